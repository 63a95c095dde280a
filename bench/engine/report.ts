// The engine's results as Markdown: rates, ratios to the peer, memory, and the floor.
import { median } from '../../util/statistics.ts';
import type { Score } from '../duel.ts';
import { figure, figureWithRange, mebibytes, percent, unmeasured } from '../figures.ts';
import { markdownTable } from '../markdown-table.ts';
import { pairedRatios } from '../statistics.ts';
import type { EngineResult, EngineRow, ModelResult } from './engine.ts';
import { isMachine, labels, machineAmounts, peerOf, perStep, type Task } from './tasks.ts';
import { workOf } from './work.ts';

/** All tables of the engine. */
export function engineReport({ machine, models, records }: EngineResult): string {
  const rates = ratesOf(machine);
  return [
    `Records: ${records === undefined ? 'generated dialogues' : 'of the file that --records named'}. Ratios: median (least to greatest); above 1, lamina is faster or takes less memory.`,
    'The machine at one thread, best round, by CPU time:',
    machineTable(machine),
    ...models.flatMap((result) => modelReport(result, rates)),
  ].join('\n\n');
}

function modelReport(result: ModelResult, rates: Rates): string[] {
  const { inputs, rows, left_out, disagreed } = result;
  const single = rows.filter(({ threads }) => threads === 1);
  return [
    `### ${inputs.model}`,
    `${sizesIn(result)}`,
    speedTable(result),
    ...[...disagreed, ...left_out].map((sentence) => `${sentence}.`),
    ...(single.length > 0
      ? ['The floor of one step at one thread, in CPU time:', floorTable(result, single, rates)]
      : []),
  ];
}

function sizesIn({ inputs: { sizes, evaluated, trained, rank, pairs } }: ModelResult): string {
  const { forward, step, prompt, slw, sft } = sizes;
  const tokens = (lengths: readonly number[]) => figure(lengths.reduce((a, b) => a + b, 0));
  return [
    `Forward ${forward.batch} x ${forward.tokens} tokens, steps ${step.batch} x ${step.tokens}, prompts ${prompt.batch} x ${prompt.tokens}`,
    `perplexity-eval ${evaluated.lengths.length} records, ${tokens(evaluated.lengths)} tokens`,
    `SLW ${figure(slw.rows)} rows, ${slw.epochs} epochs, rank ${rank}`,
    `SFT ${sft.steps} steps of ${sft.batch_size} records, ${sft.micro_batch} at a time, ${tokens(trained.lengths)} tokens, ${pairs.length} ${pairs.length === 1 ? 'target' : 'targets'}.`,
  ].join('; ');
}

function speedTable({ rows, inputs }: ModelResult): string {
  const head = [
    ...['tokens', 'against', 'threads', 'lamina /s', 'peer /s', 'ratio', 'lamina /CPU s', 'peer /CPU s', 'by CPU time'],
    ...['lamina MiB', 'peer MiB', 'memory'],
  ];
  const cells = ({ task, threads, duel: { ours, peer, steps } }: EngineRow) => {
    const tokens = steps * perStep(task, inputs);
    return [
      labels[task],
      peer === undefined ? unmeasured : peerOf(task),
      String(threads),
      figure(rate(ours.wall_ms, tokens)),
      figure(peer && rate(peer.wall_ms, tokens)),
      figureWithRange(peer ? pairedRatios(peer.wall_ms, ours.wall_ms) : []),
      figure(rate(ours.cpu_ms, tokens)),
      figure(peer && rate(peer.cpu_ms, tokens)),
      figureWithRange(peer ? pairedRatios(peer.cpu_ms, ours.cpu_ms) : []),
      mebibytes(ours.peak),
      mebibytes(peer?.peak),
      figure(peer?.peak && ours.peak && peer.peak / ours.peak),
    ];
  };
  return markdownTable(head, rows.map(cells), 2);
}

function machineTable(rows: readonly EngineRow[]): string {
  return markdownTable(
    ['', 'lamina', 'PyTorch'],
    rows.map(({ task, duel }) => [
      labels[task],
      figure(bestRate(duel.ours, duel.steps * amountOf(task)) / 1e9),
      figure(duel.peer && bestRate(duel.peer, duel.steps * amountOf(task)) / 1e9),
    ]),
  );
}

/** What one step of a task of the machine counts. */
function amountOf(task: Task): number {
  if (isMachine(task)) return machineAmounts[task as keyof typeof machineAmounts];
  throw new Error(`'${task}' is no task of the machine`);
}

function floorTable({ inputs }: ModelResult, measured: readonly EngineRow[], rates: Rates): string {
  return markdownTable(
    ['one step', 'GFLOP', 'MB', 'floor ms', 'lamina ms', 'peer ms', 'lamina at', 'peer at'],
    measured.map(({ task, duel: { ours, peer, steps } }) => {
      const { flops, bytes } = workOf(task, inputs);
      const floor = 1000 * Math.max(flops / rates.flops, bytes / rates.bytes);
      const step = median(ours.cpu_ms) / steps;
      const peerStep = peer && median(peer.cpu_ms) / steps;
      const work = [flops / 1e9, bytes / 1e6, floor, step, peerStep].map(figure);
      return [labels[task], ...work, percent(floor / step), percent(peerStep && floor / peerStep)];
    }),
  );
}

/** Per CPU second, the better of the two sides. */
interface Rates {
  flops: number;
  bytes: number;
}

function ratesOf(rows: readonly EngineRow[]): Rates {
  const of = (wanted: Task) => {
    const { duel } = rows.find(({ task }) => task === wanted) as EngineRow;
    const scores = [duel.ours, ...(duel.peer ? [duel.peer] : [])];
    return Math.max(...scores.map((score) => bestRate(score, duel.steps * amountOf(wanted))));
  };
  return { flops: of('gemm'), bytes: of('copy') };
}

/** The best round, not the median: what the machine can do when nobody disturbs. */
function bestRate({ cpu_ms }: Score, amount: number): number {
  return (1000 * amount) / Math.min(...cpu_ms);
}

/** Per second, at the median. */
function rate(times_ms: readonly number[], amount: number): number {
  return (1000 * amount) / median(times_ms);
}
