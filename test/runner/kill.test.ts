// P8: kill -9 of the whole tree at random moments; one plain run afterwards gives the same bytes, and nothing else is needed.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { digestFile } from '../../store/digest.ts';
import { createRandom } from '../../util/random.ts';
import { isAlive, whenGone } from '../processes.ts';
import { emptyFolder } from '../store/drafts.ts';
import { openToy, values } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const graph = plan(
  node('a', 'value', { value: 3 }),
  node('chain', 'chain', { steps: 25, step_ms: 4 }, { a: 'a' }),
  node('s', 'split', { parts: 6 }, { a: 'a' }),
  node('g', 'group', { parts: 5 }),
  node('t', 'total', {}, { a: 's', b: 'g' }),
  node('end', 'chain', { steps: 5, step_ms: 4 }, { a: 't' }),
);

const kills = 20;

describe('kill -9', () => {
  it(`of everything at ${kills} moments needs no cleaning up and changes no byte`, async () => {
    const random = createRandom('kill');
    const file = join(emptyFolder(), 'plan.json');
    writeFileSync(file, JSON.stringify(graph));
    const folder = join(emptyFolder(), 'store');
    mkdirSync(folder);
    for (let i = 0; i < kills; i++) {
      // From before the store is opened to after most of the work: a start takes about 150 ms.
      await killedRun(folder, file, 50 + 450 * random.uniform());
      await expectNothingHalf(folder);
    }
    const toy = await openToy(folder);
    const outcome = await toy.run(graph);
    expect(outcome.status).toBe('done');
    expect(toy.events.filter((event) => event.type === 'warning' || event.type === 'waiting')).toEqual([]);
    const clean = await openToy();
    const expected = await clean.run(graph);
    for (const { id } of graph.nodes) expect(await values(outcome, id), id).toEqual(await values(expected, id));
    for (const name of ['attempts', 'leases', 'scratch', 'quarantine', 'ac-alt', 'temporary']) {
      expect(readdirSync(join(folder, name)), name).toEqual([]);
    }
  });

  it('of the runner alone leaves no worker behind', async () => {
    const file = join(emptyFolder(), 'plan.json');
    writeFileSync(file, JSON.stringify(plan(node('w', 'wait'))));
    const [folder, log] = [join(emptyFolder(), 'store'), join(emptyFolder(), 'log')];
    const runner = start(folder, file, log);
    const workerOf = () => Number(/^wait\s+(\d+)/m.exec(textOf(log))?.[1] ?? 0);
    while (workerOf() === 0) await sleep(20);
    const pid = workerOf();
    process.kill(runner.pid as number, 'SIGKILL');
    await whenGone(pid);
    expect(isAlive(pid)).toBe(false);
  });
});

function start(folder: string, file: string, log: string) {
  const program = join(import.meta.dirname, 'fixtures', 'toy-run.mjs');
  const env = { ...process.env, TOY_LOG: log };
  return spawn(process.execPath, [program, folder, file], { detached: true, stdio: 'ignore', env });
}

async function killedRun(folder: string, file: string, after_ms: number): Promise<void> {
  const runner = start(folder, file, '');
  const exited = new Promise((resolve) => runner.on('exit', resolve));
  await Promise.race([sleep(after_ms), exited]);
  try {
    process.kill(-(runner.pid as number), 'SIGKILL');
  } catch {
    // it had finished
  }
  await exited;
}

/** Every artifact has the bytes that its name says, and every record names artifacts that are there. */
async function expectNothingHalf(folder: string): Promise<void> {
  for (const path of filesBelow(join(folder, 'cas'))) {
    const { digest, size } = await digestFile(path);
    expect(basename(path)).toBe(`${digest}-${size}`);
  }
  for (const path of filesBelow(join(folder, 'ac')).filter((name) => name.endsWith('.json'))) {
    const record = JSON.parse(readFileSync(path, 'utf8'));
    for (const { digest, size } of Object.values<{ digest: string; size: number }>(record.outputs)) {
      expect(statSync(join(folder, 'cas', digest.slice(0, 2), `${digest}-${size}`)).size).toBe(size);
    }
  }
}

function filesBelow(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return []; // killed before the store was made
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
