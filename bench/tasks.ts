// The task benchmark: lamina beside lm-evaluation-harness, evaluation by evaluation in turn.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../util/statistics.ts';
import { type Duel, type DuelSettings, duel } from './duel.ts';
import { figure, figureWithSpread, mebibytes } from './figures.ts';
import { markdownTable } from './markdown-table.ts';
import { root } from './place.ts';
import type { Python } from './python.ts';
import { pairedRatios } from './statistics.ts';
import { type Answers, compareAnswers } from './tasks-answers.ts';
import { prepareTaskInputs, type TaskInputs } from './tasks-inputs.ts';
import { batchSizes, fewshotSeed, type TaskWorkload, taskThreads, taskWorkloads } from './tasks-shape.ts';
import type { Command } from './whole-process.ts';

/** One line of the result. */
export interface TaskRow {
  workload: TaskWorkload;
  requests: number;
  tokens: number;
  /** The largest difference of a log-likelihood; undefined where only one side ran. */
  difference: number | undefined;
  duel: Duel;
}

export interface TasksResult {
  model: string;
  rows: TaskRow[];
}

/** Measures each kind of task; `say` is told what is being measured. */
export async function benchTasks(
  python: Python,
  settings: DuelSettings,
  say: (line: string) => void,
): Promise<TasksResult> {
  const inputs = prepareTaskInputs();
  const rows: TaskRow[] = [];
  for (const workload of taskWorkloads) {
    say(`tasks: ${workload.task}, ${workload.label}`);
    rows.push(await measure(workload, inputs, python, settings));
  }
  return { model: inputs.model, rows };
}

async function measure(
  workload: TaskWorkload,
  inputs: TaskInputs,
  python: Python,
  settings: DuelSettings,
): Promise<TaskRow> {
  const paths = ['lamina', 'harness'].map((side) => join(inputs.answers, `${workload.task}.${side}.json`));
  const [ours, theirs] = paths as [string, string];
  for (const path of paths) rmSync(path, { force: true });
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Answers;
  let difference: number | undefined;
  const check = () => {
    if (!('missing' in python)) difference = compareAnswers(read(ours), read(theirs), `task '${workload.task}'`);
  };
  const peer = 'missing' in python ? undefined : harnessSide(workload, inputs, theirs, python.bin);
  const outcome = await duel(laminaSide(workload, inputs, ours), peer, { ...settings, firstSteps: 1, check });
  const { answers, tokens } = read(ours);
  return { workload, requests: answers.length, tokens, difference, duel: outcome };
}

function laminaSide(workload: TaskWorkload, inputs: TaskInputs, answers: string): Command {
  const args = [join(root, 'dist/bench/tasks-side.js'), JSON.stringify(workload), JSON.stringify(inputs), answers];
  return { program: process.execPath, args, cwd: root };
}

function harnessSide(workload: TaskWorkload, inputs: TaskInputs, answers: string, bin: string): Command {
  const settings = [taskThreads, batchSizes.harness, fewshotSeed].map(String);
  const args = [join(root, 'bench/harness_side.py'), JSON.stringify(workload), JSON.stringify(inputs), answers];
  const env = { OMP_NUM_THREADS: String(taskThreads), OMP_WAIT_POLICY: 'PASSIVE' };
  return { program: join(bin, 'python'), args: [...args, ...settings], cwd: root, env };
}

/** The result as Markdown. */
export function tasksReport({ model, rows }: TasksResult): string {
  const head = [
    ...['task', 'requests', 'tokens', 'lamina, tokens/s', 'lm_eval, tokens/s', 'ratio', 'by CPU time', 'in the model'],
    ...['lamina MiB', 'lm_eval MiB', 'largest difference'],
  ];
  const lines = rows.map(({ workload, requests, tokens, difference, duel: { steps, ours, peer } }) => {
    const rate = (times_ms: readonly number[] = []) => figure((1000 * steps * tokens) / median(times_ms));
    const ratio = (key: 'wall_ms' | 'cpu_ms' | 'model_cpu_ms') =>
      figureWithSpread(peer ? pairedRatios(peer[key], ours[key]) : []);
    return [
      `${workload.task}: ${workload.label}`,
      String(requests),
      figure(tokens),
      rate(ours.wall_ms),
      peer ? rate(peer.wall_ms) : figure(undefined),
      ratio('wall_ms'),
      ratio('cpu_ms'),
      ratio('model_cpu_ms'),
      mebibytes(ours.peak),
      mebibytes(peer?.peak),
      difference === undefined ? figure(undefined) : difference.toExponential(1),
    ];
  });
  return [`Model: ${model}, ${taskThreads} thread.`, markdownTable(head, lines)].join('\n\n');
}
