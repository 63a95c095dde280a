// `npm run bench`: measures lamina beside its peers and prints the tables, or writes them into bench/README.md.
import { UserError } from '../util/errors.ts';
import { benchDecode, decodeReport } from './decode.ts';
import type { Duel } from './duel.ts';
import { benchEngine, type EngineResult } from './engine/engine.ts';
import { engineReport } from './engine/report.ts';
import { benchMemory, memoryReport } from './memory.ts';
import { type Options, type Part, readOptions } from './options.ts';
import { load, machineClass } from './place.ts';
import { benchPrecision, precisionReport } from './precision.ts';
import { findPython, type Python, type PythonPeer } from './python.ts';
import { writeResults } from './readme.ts';
import { dvcRunner } from './runner/dvc-side.ts';
import { laminaRunner } from './runner/lamina-side.ts';
import { ninjaRunner } from './runner/ninja-side.ts';
import { runnerReport } from './runner/report.ts';
import { benchRunner } from './runner/runner.ts';
import type { Runner } from './runner/side.ts';
import { snakemakeRunner } from './runner/snakemake-side.ts';
import { benchStart, startReport } from './start.ts';
import { benchStore, storeReport } from './store.ts';
import { benchTasks, tasksReport } from './tasks.ts';

/** A side fills about this long in a round of the engine. */
const round_ms = 400;
const runnerLimit_s = 600;

async function main(options: Options): Promise<void> {
  for (const part of options.parts) {
    const text = await measure(part, options);
    process.stdout.write(`\n${text}\n\n`);
    if (options.write) writeResults(part, text);
  }
}

function measure(part: Part, options: Options): Promise<string> {
  const beside = { engine: measureEngine, decode: measureDecode, tasks: measureTasks };
  const whole = { runner: measureRunner, store: measureStore, memory: measureMemory, start: measureStart };
  return { ...beside, ...whole, precision: measurePrecision }[part](options);
}

/** The Python of one peer, asked for when a part begins: each part needs its own packages and no others. */
async function pythonFor(peer: PythonPeer, { alone }: Options): Promise<Python> {
  if (alone) return { missing: 'left out by --alone' };
  const python = await findPython(peer, say);
  if ('missing' in python) say(`${peer} is not measured: ${python.missing}`);
  return python;
}

async function measureEngine(options: Options): Promise<string> {
  const { rounds } = options.engine;
  const before = load();
  const peers = {
    PyTorch: await pythonFor('PyTorch', options),
    transformers: await pythonFor('transformers', options),
    compiled: options.engine.compiled,
  };
  const choice = { ...options.engine, quick: options.quick };
  const result = await benchEngine(peers, choice, { rounds, round_ms }, say);
  if (result.models.some(({ disagreed }) => disagreed.length > 0)) process.exitCode = 1;
  return `${circumstances(engineVersions(result), rounds, before)}\n\n${engineReport(result)}`;
}

function engineVersions({ machine, models }: EngineResult): Record<string, string | undefined> {
  return Object.assign(
    {},
    ...[...machine, ...models.flatMap(({ rows }) => rows)].map((row) => versionsOf({ rows: [row] })),
  );
}

async function measureDecode({ rounds }: Options): Promise<string> {
  const before = load();
  const result = await benchDecode({ rounds, round_ms }, say);
  const versions = { ...result.rows[0]?.duel.ours.versions };
  return `${circumstances(versions, rounds, before)}\n\n${decodeReport(result)}`;
}

async function measureTasks(options: Options): Promise<string> {
  const { rounds } = options;
  const before = load();
  const result = await benchTasks(await pythonFor('lm_eval', options), { rounds, round_ms }, say);
  return `${circumstances(versionsOf(result), rounds, before)}\n\n${tasksReport(result)}`;
}

async function measureRunner(options: Options): Promise<string> {
  const { rounds, sizes, shapes } = options;
  const before = load();
  const counted = Math.ceil(rounds / 3); // whole processes of seconds vary less than rounds of a fraction of one
  const runners = [laminaRunner(process.versions.node), ...(await peerRunners(options))];
  const settings = { shapes, sizes, rounds: counted, limit_s: runnerLimit_s };
  const results = await benchRunner(runners, settings, say);
  const [ours, ...peers] = runners.map(({ name, version }) => [name === 'lamina' ? 'node' : name, version]);
  const versions = Object.fromEntries([ours as string[], ...peers]);
  return `${circumstances(versions, counted, before)}\n\n${runnerReport(results, runnerLimit_s)}`;
}

/** The runners of Python's index that are there. */
async function peerRunners(options: Options): Promise<Runner[]> {
  const peers = { DVC: dvcRunner, Snakemake: snakemakeRunner, ninja: ninjaRunner };
  const found: Runner[] = [];
  for (const [peer, make] of Object.entries(peers)) {
    const python = await pythonFor(peer as PythonPeer, options);
    if ('bin' in python) found.push(await make(python.bin));
  }
  return found;
}

async function measureStore({ rounds, store_bytes }: Options): Promise<string> {
  const before = load();
  const result = await benchStore({ rounds, bytes: store_bytes }, say);
  return `${circumstances({ node: process.versions.node }, rounds, before)}\n\n${storeReport(result)}`;
}

async function measureMemory({ engine, memory_steps }: Options): Promise<string> {
  const before = load();
  const [model, threads] = [engine.models[0] as string, engine.threads[0] as number];
  const settings = { model, records: engine.records, steps: memory_steps, threads };
  const result = await benchMemory(settings, say);
  return `${circumstances({ node: process.versions.node }, 1, before)}\n\n${memoryReport(result)}`;
}

async function measurePrecision({ engine, precision_steps }: Options): Promise<string> {
  const before = load();
  const [model, threads] = [engine.models[0] as string, engine.threads[0] as number];
  const settings = { model, records: engine.records, steps: precision_steps, threads };
  const result = await benchPrecision(settings, say);
  return `${circumstances({ node: process.versions.node }, 1, before)}\n\n${precisionReport(result)}`;
}

async function measureStart({ rounds }: Options): Promise<string> {
  const before = load();
  const rows = benchStart({ rounds }, say);
  return `${circumstances({ node: process.versions.node }, rounds, before)}\n\n${startReport(rows)}`;
}

function versionsOf({ rows }: { rows: readonly { duel: Duel }[] }): Record<string, string | undefined> {
  const duel = rows[0]?.duel;
  return { ...duel?.ours.versions, ...duel?.peer?.versions };
}

function circumstances(versions: Record<string, string | undefined>, rounds: number, before: string): string {
  const date = new Date().toISOString().slice(0, 10);
  const known = Object.entries(versions).filter(([, version]) => version !== undefined);
  const list = known.map(([name, version]) => `${name} ${version}`).join(', ');
  return `${date}, ${machineClass()}; ${list}; ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; load ${before} before, ${load()} after.`;
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
