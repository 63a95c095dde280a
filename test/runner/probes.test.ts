// The probes by which other runners were judged; named as in the benchmark.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { emptyFolder } from '../store/drafts.ts';
import { messages, openToy, values } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const toyRun = join(import.meta.dirname, 'fixtures', 'toy-run.mjs');

function reader(path: string) {
  return plan(
    node('r', 'read', { path }, {}, { paths: ['/path'] }),
    node('c', 'constant', {}, { a: 'r' }),
    node('s', 'add', {}, { c: 'c' }),
  );
}

describe('probe', () => {
  it('P1: touching an input reruns nothing', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'data');
    writeFileSync(path, 'x'.repeat(2_000_000));
    await toy.run(reader(path));
    utimesSync(path, new Date(), new Date());
    const outcome = await toy.run(reader(path));
    expect(outcome.summary).toMatchObject({ cached: 3, ran: 0 });
  });

  it('P3: an input with other bytes reruns its reader, and the wave stops where the bytes are equal', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'data');
    writeFileSync(path, 'one');
    await toy.run(reader(path));
    writeFileSync(path, 'two');
    toy.worked();
    const outcome = await toy.run(reader(path));
    expect(toy.worked()).toEqual(['read', 'constant']);
    expect(await values(outcome, 'r')).toEqual(['TWO']);
    expect(outcome.summary).toMatchObject({ cached: 1, ran: 2 });
  });

  it('P4: swapping the values of two parameters reruns', async () => {
    const toy = await openToy();
    await toy.run(plan(node('a', 'value', { value: 1, other: 2 })));
    const outcome = await toy.run(plan(node('a', 'value', { value: 2, other: 1 })));
    expect([await values(outcome, 'a'), outcome.summary.ran]).toEqual([['2'], 1]);
  });

  it('P7: a flipped byte in an artifact is found, reported and made again', async () => {
    const toy = await openToy();
    const sum = plan(node('a', 'value', { value: 3 }), node('s', 'add', { plus: 1 }, { a: 'a' }));
    const [unit] = (await toy.run(sum)).nodes.get('s')?.units ?? [];
    if (unit?.status !== 'ran') throw new Error(unit?.status);
    const artifact = unit.outputs.out;
    const path = (await artifact?.open())?.path as string;
    chmodSync(path, 0o644);
    writeFileSync(path, '5');
    toy.worked();
    const outcome = await toy.run(sum);
    expect(toy.worked()).toEqual(['add']);
    expect([await values(outcome, 'a'), await values(outcome, 's')]).toEqual([['3'], ['4']]);
    const warnings = toy.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    const what = `artifact 'out' (${artifact?.digest.slice(0, 12)}) was changed on disk`;
    expect(warnings).toEqual([`stage 's': ${what}, so it is made again`]);
    expect(readdirSync(join(toy.folder, 'quarantine'))).toHaveLength(1);
  });

  it('P9: two runners on one grid do each unit once, and neither fails', async () => {
    const toy = await openToy();
    const nodes = Array.from({ length: 8 }, (_, i) => node(`p${i}`, 'pause', { ms: 60, value: i }));
    const file = join(emptyFolder(), 'plan.json');
    writeFileSync(
      file,
      JSON.stringify(plan(...nodes, node('g', 'group', { parts: 3 }), node('t', 'total', {}, { a: 'g' }))),
    );
    const log = join(emptyFolder(), 'log');
    const start = () =>
      promisify(execFile)(process.execPath, [toyRun, toy.folder, file], { env: { ...process.env, TOY_LOG: log } });
    const [one, two] = (await Promise.all([start(), start()])).map(({ stdout }) => JSON.parse(stdout));
    expect([one.status, two.status]).toEqual(['done', 'done']);
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(8 + 3 + 1);
    expect(one.summary.ran + two.summary.ran).toBe(12);
    const keys = (outcome: { nodes: { units: { key: string }[] }[] }) =>
      outcome.nodes.map(({ units }) => units.map(({ key }) => key));
    expect(keys(one)).toEqual(keys(two));
  });

  it('P12: files in another place rerun nothing', async () => {
    const toy = await openToy();
    const folder = (name: string) => {
      const path = join(emptyFolder(), name);
      mkdirSync(path);
      writeFileSync(join(path, 'data'), 'same');
      return join(path, 'data');
    };
    await toy.run(reader(folder('here')));
    expect((await toy.run(reader(folder('there')))).summary).toMatchObject({ cached: 3, ran: 0 });
  });

  it('a source that changes while it is read is not published under its old bytes', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'data');
    writeFileSync(path, 'one');
    const changing = toy.run(reader(path), {
      onEvent: (event) => {
        if (event.type === 'unit-started') writeFileSync(path, 'two');
      },
    });
    expect(messages(await changing)).toEqual([
      "stage 'r': what parameter 'path' names was changed while the stage read it; run again",
    ]);
    expect(await values(await toy.run(reader(path)), 'r')).toEqual(['TWO']);
  });

  it('a source that is missing is named before anything runs', async () => {
    const toy = await openToy();
    await expect(toy.run(reader('/none/data'))).rejects.toThrow(
      "stage 'r', parameter 'path': '/none/data' does not exist",
    );
    expect(toy.worked()).toEqual([]);
  });

  it('a source that is missing far down is named before anything runs', async () => {
    const toy = await openToy();
    const late = node('late', 'read', { path: '/none/data' }, { before: 'first' }, { paths: ['/path'] });
    await expect(toy.run(plan(node('first', 'value', { value: 1 }), late))).rejects.toThrow(
      "stage 'late', parameter 'path': '/none/data' does not exist",
    );
    expect(toy.worked()).toEqual([]);
  });

  it('what would stop a late stage and can be seen before is said before anything runs, and asked once', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'data');
    const careful = (id: string) => node(id, 'careful', { path }, { before: 'first' }, { paths: ['/path'] });
    const all = plan(node('first', 'value', { value: 1 }), careful('late'), careful('later'));
    const asked = () => readFileSync(`${path}.asked`, 'utf8').length;
    writeFileSync(path, 'data');
    writeFileSync(`${path}.stop`, '');
    await expect(toy.run(all)).rejects.toThrow("stage 'late': expected good data");
    expect(toy.worked()).toEqual([]);
    rmSync(`${path}.stop`);
    expect(await values(await toy.run(all), 'later')).toEqual(['data']);
    expect(asked()).toBe(2);
    writeFileSync(`${path}.stop`, '');
    expect((await toy.run(all)).status).toBe('done'); // what is there already is not asked about
    expect(asked()).toBe(2);
  });
});
