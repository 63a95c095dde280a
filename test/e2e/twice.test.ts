// What is run again and what is not: the same spec twice, one number changed, files touched, reformatted and moved.
import { readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseRecord } from '../../store/record.ts';
import type { Ended } from '../cli/program.ts';
import { openWork, smallSpec, type Work } from './small-spec.ts';
import { expectNothingLeft, filesBelow, outputsByKey } from './store-files.ts';

interface Planned {
  stages: { name: string; unit?: string; status: 'hit' | 'run' | 'depends'; key: string | null }[];
  summary: Record<string, number>;
}

interface Outcome {
  nodes: { stage: string; units: { unit: string; status: string; key: string }[] }[];
}

/** 5 pairs of T_next in 12 layers, each captured and warmed up; base, data, two perplexities, tuned. */
const units = 15;

describe('the small spec', () => {
  let work: Work;
  let planned: Planned;
  let first: Ended;
  beforeAll(async () => {
    work = openWork();
    planned = await plan();
    first = await run();
  });
  afterAll(() => work?.remove());

  const run = (...args: string[]) => work.lamina('run', 'small.yaml', '--json', '--store', 'store', ...args);
  const plan = async (...args: string[]): Promise<Planned> => {
    const { out } = await work.lamina('plan', 'small.yaml', '--json', '--store', 'store', ...args);
    return JSON.parse(out) as Planned;
  };

  /** What the run with this output did: stage and unit, by status. */
  const didOf = ({ out }: Ended): Record<string, string[]> => {
    const name = (JSON.parse(out) as { run: string }).run;
    const path = join(work.path, 'store/runs/small', name, 'outcome.json');
    const { nodes } = JSON.parse(readFileSync(path, 'utf8')) as Outcome;
    const did: Record<string, string[]> = {};
    for (const { stage, units } of nodes)
      for (const { unit, status } of units) did[status] = [...(did[status] ?? []), `${stage} ${unit}`.trim()];
    return did;
  };
  const cellsOf = ({ out }: Ended) => (JSON.parse(out) as { cells: { value: number }[] }).cells;

  const expectNoReruns = async (): Promise<void> => {
    expect((await plan()).summary).toEqual({ hit: units, run: 0, depends: 0 });
    const again = await run();
    expect(again).toMatchObject({ code: 0, err: '' });
    const did = didOf(again);
    expect(Object.keys(did)).toEqual(['cached']);
    expect(did.cached).toHaveLength(units);
    expect(cellsOf(again)).toEqual(cellsOf(first));
  };

  it('runs what the plan said, and all of it', () => {
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(planned.summary.hit).toBe(0);
    expect(planned.stages).toHaveLength(units);
    const names = planned.stages.map(({ name, unit = '' }) => `${name} ${unit}`.trim());
    expect(didOf(first).ran?.sort()).toEqual(names.sort());
    for (const { value } of cellsOf(first)) expect(value).toBeGreaterThan(1); // a perplexity
    expectNothingLeft(join(work.path, 'store'));
  });

  it('run a second time runs nothing', expectNoReruns);

  it('gives the same bytes from another empty store, whatever runs side by side', async () => {
    const other = await run('-j', '1', '--store', 'other');
    expect(other.code).toBe(0);
    expect(outputsByKey(join(work.path, 'other'))).toEqual(outputsByKey(join(work.path, 'store')));
    expect(cellsOf(other)).toEqual(cellsOf(first));
  });

  it('with a file of the model touched runs nothing', async () => {
    const time = new Date('2020-02-02T02:02:02Z');
    utimesSync(join(work.path, 'model/model.safetensors'), time, time);
    utimesSync(join(work.path, 'small.yaml'), time, time);
    await expectNoReruns();
  });

  it('written in another style, with comments, runs nothing', async () => {
    const text = `# the same, as JSON\n\n${JSON.stringify(parse(smallSpec), undefined, 7)}\n# end\n`;
    work.write('small.yaml', text);
    const pipeline = join(work.path, 'sharp.yaml');
    writeFileSync(pipeline, `# a comment\n${JSON.stringify(parse(readFileSync(pipeline, 'utf8')), undefined, 1)}\n`);
    await expectNoReruns();
  });

  it('moved to another folder, with its pipeline and its model, runs nothing', async () => {
    const moved = openWork();
    try {
      const store = join(work.path, 'store');
      const ended = await moved.lamina('run', 'small.yaml', '--json', '--store', store);
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(Object.keys(didOf(ended))).toEqual(['cached']);
      expect(cellsOf(ended)).toEqual(cellsOf(first));
    } finally {
      moved.remove();
    }
  });

  it('without any artifact but the numbers of the table runs nothing', async () => {
    const store = join(work.path, 'store');
    const shown = new Set(cellsOf(first).map(({ value }) => String(value)));
    const isShown = (path: string) => [...shown].some((value) => readFileSync(path, 'latin1').includes(value));
    const needless = filesBelow(join(store, 'cas')).filter((path) => statSync(path).size > 1000 || !isShown(path));
    expect(needless.length).toBeGreaterThan(units - 2);
    for (const path of needless) renameSync(path, `${path}.away`);
    await expectNoReruns();
    for (const path of needless) renameSync(`${path}.away`, path);
  });

  it('has records of which none is accepted with a bit flipped', () => {
    let flips = 0;
    for (const path of filesBelow(join(work.path, 'store', 'ac'))) {
      const bytes = readFileSync(path);
      const [key, whole] = [basename(path, '.json'), JSON.parse(bytes.toString('utf8'))];
      for (let at = 0; at < bytes.length; at++) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
        const found = parseRecord(flipped.toString('utf8'), key);
        flips++;
        if (typeof found === 'string') continue;
        const { digest: _digest, ...rest } = whole;
        expect(found.record).toEqual(rest);
      }
    }
    expect(flips).toBeGreaterThan(10_000);
  });

  it('with one number changed runs what depends on it and nothing else, as the plan says', async () => {
    const change = ['--set', 'tuned.lr=2e-3'];
    const { stages, summary } = await plan(...change);
    const statuses = Object.fromEntries(stages.map(({ name, status }) => [name, status]));
    expect(summary).toEqual({ hit: units - 2, run: 1, depends: 1 });
    expect(statuses).toMatchObject({ tuned: 'run', tuned_ppl: 'depends', warm: 'hit', original_ppl: 'hit' });
    const ended = await run(...change);
    expect(ended.code).toBe(0);
    const did = didOf(ended);
    expect(did.ran).toEqual(['tuned', 'tuned_ppl']);
    expect(did.cached).toHaveLength(units - 2);
    const [original, sharp] = cellsOf(ended);
    expect(original).toEqual(cellsOf(first)[0]);
    expect(sharp?.value).not.toBe(cellsOf(first)[1]?.value);
  });
});
