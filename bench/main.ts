// `npm run bench`: measures lamina beside its peers and prints the tables, or writes them into bench/README.md.
import { UserError } from '../util/errors.ts';
import { benchDecode, decodeReport } from './decode.ts';
import type { Duel } from './duel.ts';
import { benchEngine } from './engine.ts';
import { engineReport } from './engine-report.ts';
import { type Options, type Part, readOptions } from './options.ts';
import { load, machineClass } from './place.ts';
import { findPython, type Python } from './python.ts';
import { writeResults } from './readme.ts';
import { benchRunner } from './runner.ts';
import { runnerReport } from './runner-report.ts';
import { benchStore, storeReport } from './store.ts';
import { benchTasks, tasksReport } from './tasks.ts';

/** A side fills about this long in a round of the engine. */
const round_ms = 400;
const coldLimit_s = 600;

async function main(options: Options): Promise<void> {
  const python: Python = options.alone ? { missing: 'left out by --alone' } : await findPython(say);
  if ('missing' in python) say(`PyTorch, lm_eval and DVC are not measured: ${python.missing}`);
  for (const part of options.parts) {
    const text = await measure(part, python, options);
    process.stdout.write(`\n${text}\n\n`);
    if (options.write) writeResults(part, text);
  }
}

function measure(part: Part, python: Python, options: Options): Promise<string> {
  const beside = { engine: measureEngine, decode: measureDecode, tasks: measureTasks };
  return { ...beside, runner: measureRunner, store: measureStore }[part](python, options);
}

async function measureEngine(python: Python, { rounds }: Options): Promise<string> {
  const before = load();
  const result = await benchEngine(python, { rounds, round_ms }, say);
  return `${circumstances(versionsOf(result), rounds, before)}\n\n${engineReport(result)}`;
}

async function measureDecode(_python: Python, { rounds }: Options): Promise<string> {
  const before = load();
  const result = await benchDecode({ rounds, round_ms }, say);
  const versions = { ...result.rows[0]?.duel.ours.versions };
  return `${circumstances(versions, rounds, before)}\n\n${decodeReport(result)}`;
}

async function measureTasks(python: Python, { rounds }: Options): Promise<string> {
  const before = load();
  const result = await benchTasks(python, { rounds, round_ms }, say);
  return `${circumstances(versionsOf(result), rounds, before)}\n\n${tasksReport(result)}`;
}

async function measureRunner(python: Python, { rounds, stages }: Options): Promise<string> {
  const before = load();
  const counted = Math.ceil(rounds / 3); // whole processes of seconds vary less than rounds of a fraction of one
  const result = await benchRunner(python, { stages, rounds: counted, coldLimit_s }, say);
  const versions = { node: process.versions.node, dvc: result.dvcVersion };
  return `${circumstances(versions, counted, before)}\n\n${runnerReport(result)}`;
}

async function measureStore(_python: Python, { rounds, store_bytes }: Options): Promise<string> {
  const before = load();
  const result = await benchStore({ rounds, bytes: store_bytes }, say);
  return `${circumstances({ node: process.versions.node }, rounds, before)}\n\n${storeReport(result)}`;
}

function versionsOf({ rows }: { rows: readonly { duel: Duel }[] }): Record<string, string | undefined> {
  const duel = rows[0]?.duel;
  return { ...duel?.ours.versions, ...duel?.peer?.versions };
}

function circumstances(versions: Record<string, string | undefined>, rounds: number, before: string): string {
  const date = new Date().toISOString().slice(0, 10);
  const known = Object.entries(versions).filter(([, version]) => version !== undefined);
  const list = known.map(([name, version]) => `${name} ${version}`).join(', ');
  return `${date}, ${machineClass()}; ${list}; ${rounds} rounds; load ${before} before, ${load()} after.`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  await main(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
