// The engine's results as Markdown: rates, ratios to PyTorch, memory, and the floor.
import type { Score } from './duel.ts';
import type { EngineResult, EngineRow } from './engine.ts';
import { perStep, type Task } from './engine-shape.ts';
import { workOf } from './engine-work.ts';
import { figure, figureWithSpread, mebibytes, percent } from './figures.ts';
import { markdownTable } from './markdown-table.ts';
import { median, pairedRatios } from './statistics.ts';

const labels: Readonly<Record<Task, string>> = {
  forward: 'forward',
  slw: 'SLW step',
  sft: 'SFT step',
  gemm: 'matrix product, GFLOP/s',
  copy: 'copy, GB/s',
};

/** What the machine gives at most: operations and bytes per second, the better of the two sides. */
interface Limits {
  flops: number;
  bytes: number;
}

/** All tables of the engine. */
export function engineReport(result: EngineResult): string {
  return [
    `Model: ${result.model}. Tokens per second:`,
    speedTable(result.rows.filter(isTokens)),
    'What the machine can do, by the same two processes:',
    machineTable(result.rows.filter((row) => !isTokens(row))),
    'The floor: the time that the matrix products of a step need at these rates.',
    floorTable(result),
  ].join('\n\n');
}

function isTokens({ task }: EngineRow): boolean {
  return task !== 'gemm' && task !== 'copy';
}

function speedTable(rows: readonly EngineRow[]): string {
  const head = ['', 'threads', 'lamina', 'PyTorch', 'ratio', 'by CPU time', 'lamina MiB', 'PyTorch MiB'];
  return markdownTable(
    head,
    rows.map(({ task, threads, duel: { ours, peer, steps } }) => [
      labels[task],
      String(threads),
      figure(rate(ours, steps * perStep[task])),
      figure(peer && rate(peer, steps * perStep[task])),
      figureWithSpread(peer ? pairedRatios(peer.wall_ms, ours.wall_ms) : []),
      figureWithSpread(peer ? pairedRatios(peer.cpu_ms, ours.cpu_ms) : []),
      mebibytes(ours.peak),
      mebibytes(peer?.peak),
    ]),
  );
}

function machineTable(rows: readonly EngineRow[]): string {
  return markdownTable(
    ['', 'threads', 'lamina', 'PyTorch'],
    rows.map(({ task, threads, duel: { ours, peer, steps } }) => [
      labels[task],
      String(threads),
      figure(rate(ours, steps * perStep[task]) / 1e9),
      figure(peer && rate(peer, steps * perStep[task]) / 1e9),
    ]),
  );
}

function floorTable({ rows, config }: EngineResult): string {
  const head = ['', 'threads', 'MFLOP/step', 'MB/step', 'floor ms', 'lamina ms', 'lamina at', 'PyTorch at'];
  return markdownTable(
    head,
    rows.filter(isTokens).map(({ task, threads, duel: { ours, peer, steps } }) => {
      const { flops, bytes } = workOf(task, config);
      const limits = limitsOf(rows, threads);
      const floor_ms = 1000 * Math.max(flops / limits.flops, bytes / limits.bytes);
      const step_ms = best(ours) / steps;
      return [
        labels[task],
        String(threads),
        figure(flops / 1e6),
        figure(bytes / 1e6),
        figure(floor_ms),
        figure(step_ms),
        percent(floor_ms / step_ms),
        percent(peer && floor_ms / (best(peer) / steps)),
      ];
    }),
  );
}

/** Limits are best rounds, not medians: what the machine can do when nobody disturbs. */
function limitsOf(rows: readonly EngineRow[], threads: number): Limits {
  const greatest = (task: Task) => {
    const row = rows.find((each) => each.task === task && each.threads === threads) as EngineRow;
    const { ours, peer, steps } = row.duel;
    return Math.max(...[ours, peer].map((score) => (score ? (1000 * steps * perStep[task]) / best(score) : 0)));
  };
  return { flops: greatest('gemm'), bytes: greatest('copy') };
}

function best({ wall_ms }: Score): number {
  return Math.min(...wall_ms);
}

/** Per second, at the median. */
function rate({ wall_ms }: Score, amount: number): number {
  return (1000 * amount) / median(wall_ms);
}
