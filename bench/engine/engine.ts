// The engine benchmark: lamina beside PyTorch and transformers, in turn, task by task, at each model and number of threads.
import { availableParallelism, freemem } from 'node:os';
import { join } from 'node:path';
import { tensorSpecs } from '../../model/architecture/tensors.ts';
import { median } from '../../util/statistics.ts';
import { Disagreement, type Duel, type DuelSettings, duel, type Score } from '../duel.ts';
import { figure, figureWithRange, mebibytes } from '../figures.ts';
import { root } from '../place.ts';
import type { Python } from '../python.ts';
import { pairedRatios } from '../statistics.ts';
import type { Command } from '../whole-process.ts';
import { type EngineInputs, type InputChoice, prepareInputs } from './inputs.ts';
import { isMachine, isWhole, peerOf, type Task } from './tasks.ts';

/** One line of the result. */
export interface EngineRow {
  task: Task;
  threads: number;
  duel: Duel;
}

/** What was measured at one model; `left_out` and `disagreed` are sentences. */
export interface ModelResult {
  inputs: EngineInputs;
  rows: EngineRow[];
  left_out: string[];
  /** Tasks whose sides do not compute the same: they have no times, and the benchmark has failed. */
  disagreed: string[];
}

export interface EngineResult {
  /** What the machine can do, at one thread. */
  machine: EngineRow[];
  models: ModelResult[];
  records: string | undefined;
}

/** What is to be measured. */
export interface EngineChoice extends Omit<InputChoice, 'model'> {
  models: readonly string[];
  tasks: readonly Task[];
  threads: readonly number[];
  /** Nothing new begins after so many; none means no limit. */
  minutes: number | undefined;
}

/** The Python of each peer. */
export interface Peers {
  PyTorch: Python;
  transformers: Python;
  /** PyTorch compiles what it computes, in its first round. */
  compiled: boolean;
}

type Say = (line: string) => void;

/** Steps of training after which the sides are compared: the second loss has a whole step before it. */
const firstSteps = 2;
/** Half of a GiB for what is not weights. */
const around_bytes = 2 ** 29;

/** Runs every task; `say` is told what is being measured. */
export async function benchEngine(
  peers: Peers,
  choice: EngineChoice,
  settings: DuelSettings,
  say: Say,
): Promise<EngineResult> {
  const models: ModelResult[] = [];
  let machine: EngineRow[] = [];
  const start = performance.now();
  const isLate = () => choice.minutes !== undefined && performance.now() - start > choice.minutes * 60_000;
  for (const model of choice.models) {
    say(`engine: ${model}, its inputs are being written`);
    const inputs = await prepareInputs({ ...choice, model });
    const run = (task: Task, threads: number) => measure(task, threads, { inputs, peers, settings, say });
    if (machine.length === 0) machine = [await run('gemm', 1), await run('copy', 1)];
    models.push(await measureModel(choice, inputs, { run, isLate, say }));
  }
  return { machine, models, records: choice.records };
}

interface Course {
  run(task: Task, threads: number): Promise<EngineRow>;
  isLate(): boolean;
  say: Say;
}

async function measureModel(
  { tasks, threads, minutes }: EngineChoice,
  inputs: EngineInputs,
  { run, isLate, say }: Course,
): Promise<ModelResult> {
  const result: ModelResult = { inputs, rows: [], left_out: [], disagreed: [] };
  for (const task of tasks.filter((each) => !isMachine(each))) {
    const problem = isLate() ? `${task} is left out: the run had its ${minutes} minutes` : whyNot(task, inputs);
    if (problem !== undefined) {
      say(problem);
      result.left_out.push(problem);
      continue;
    }
    for (const count of threads.filter((each) => each <= availableParallelism())) {
      const row = await run(task, count).catch((error) => disagreement(error, task, count));
      if (typeof row !== 'string') result.rows.push(row);
      else {
        say(row);
        result.disagreed.push(row);
      }
    }
  }
  return result;
}

/** What is told of a task whose sides do not agree; the others are measured all the same. */
function disagreement(error: unknown, task: Task, threads: number): string {
  if (!(error instanceof Disagreement)) throw error;
  const [ours, peers] = error.values;
  return `${task} with ${threads} ${threads === 1 ? 'thread' : 'threads'} has no times: lamina came to ${ours} and ${peerOf(task)} to ${peers}`;
}

/** Both sides hold weights, gradients and two moments at once. */
function whyNot(task: Task, { config }: EngineInputs): string | undefined {
  if (task !== 'train-step') return undefined;
  const numbers = tensorSpecs(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const needed = 2 * (16 * numbers + around_bytes);
  if (needed <= freemem()) return undefined;
  const gibibytes = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  return `${task} is left out: both sides together take about ${gibibytes(needed)} GiB, ${gibibytes(freemem())} are free`;
}

interface Measurement {
  inputs: EngineInputs;
  peers: Peers;
  settings: DuelSettings;
  say: Say;
}

async function measure(task: Task, threads: number, { inputs, peers, settings, say }: Measurement): Promise<EngineRow> {
  say(`engine: ${inputs.model}: ${task}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`);
  const python = peers[peerOf(task)];
  const peer = 'bin' in python ? peerSide(python.bin, peers.compiled, task, threads, inputs) : undefined;
  const own = isWhole(task) ? { whole: true, rounds: wholeRounds(settings.rounds) } : { firstSteps };
  const found = await duel(laminaSide(task, threads, inputs), peer, { ...settings, ...own });
  say(`  ${summary(found)}`);
  return { task, threads, duel: found };
}

/** A whole stage takes long, and varies less than a step. */
function wholeRounds(rounds: number): number {
  return Math.ceil((2 * rounds) / 3);
}

/** So that a run that is stopped has said something. */
function summary({ ours, peer, steps }: Duel): string {
  const seconds = ({ cpu_ms, peak }: Score) =>
    `${figure(median(cpu_ms) / 1000 / steps)} CPU s a step, ${mebibytes(peak)} MiB`;
  if (peer === undefined) return seconds(ours);
  const ratio = (kind: 'wall_ms' | 'cpu_ms') => figureWithRange(pairedRatios(peer[kind], ours[kind]));
  return `${ratio('wall_ms')}, by CPU time ${ratio('cpu_ms')}; ${seconds(ours)} against ${seconds(peer)}`;
}

function laminaSide(task: Task, threads: number, { description }: EngineInputs): Command {
  const script = join(root, 'dist/bench/engine/side.js');
  return { program: process.execPath, args: [script, task, String(threads), description], cwd: root };
}

function peerSide(bin: string, compiled: boolean, task: Task, threads: number, { description }: EngineInputs): Command {
  const script = join(root, 'bench/engine', peerOf(task) === 'PyTorch' ? 'torch_side.py' : 'transformers_side.py');
  // lamina's threads do not spin while they wait, so PyTorch's do not either: with others on the machine it costs 20 times
  const waiting = { OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'PASSIVE' };
  const env = compiled ? { ...waiting, LAMINA_BENCH_COMPILED: 'yes' } : waiting;
  return { program: join(bin, 'python'), args: [script, task, String(threads), description], cwd: root, env };
}
