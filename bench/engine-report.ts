// The engine's results as Markdown: rates, ratios to PyTorch, memory, and the floor.

import { median } from '../util/statistics.ts';
import type { Score } from './duel.ts';
import type { EngineResult, EngineRow } from './engine.ts';
import { perStep, type Task } from './engine-shape.ts';
import { workOf } from './engine-work.ts';
import { figure, figureWithSpread, mebibytes, percent } from './figures.ts';
import { markdownTable } from './markdown-table.ts';
import { pairedRatios } from './statistics.ts';

const labels: Readonly<Record<Task, string>> = {
  forward: 'forward',
  slw: 'SLW step',
  sft: 'SFT step',
  gemm: 'matrix product, GFLOP/s',
  copy: 'copy, GB/s',
};

/** All tables of the engine. */
export function engineReport(result: EngineResult): string {
  const measured = result.rows.filter(isTokens);
  return [
    `Model: ${result.model}.`,
    speedTable(measured),
    'The floor at one thread, in CPU time, at the rates of the same run:',
    machineTable(result.rows.filter((row) => !isTokens(row))),
    floorTable(
      result,
      measured.filter(({ threads }) => threads === 1),
    ),
  ].join('\n\n');
}

function isTokens({ task }: EngineRow): boolean {
  return task !== 'gemm' && task !== 'copy';
}

function speedTable(rows: readonly EngineRow[]): string {
  const head = [
    ...['tokens', 'threads', 'lamina /s', 'PyTorch /s', 'ratio', 'lamina /CPU s', 'PyTorch /CPU s', 'by CPU time'],
    ...['lamina MiB', 'PyTorch MiB'],
  ];
  return markdownTable(
    head,
    rows.map(({ task, threads, duel: { ours, peer, steps } }) => {
      const tokens = steps * perStep[task];
      return [
        labels[task],
        String(threads),
        figure(rate(ours.wall_ms, tokens)),
        figure(peer && rate(peer.wall_ms, tokens)),
        figureWithSpread(peer ? pairedRatios(peer.wall_ms, ours.wall_ms) : []),
        figure(rate(ours.cpu_ms, tokens)),
        figure(peer && rate(peer.cpu_ms, tokens)),
        figureWithSpread(peer ? pairedRatios(peer.cpu_ms, ours.cpu_ms) : []),
        mebibytes(ours.peak),
        mebibytes(peer?.peak),
      ];
    }),
  );
}

function machineTable(rows: readonly EngineRow[]): string {
  return markdownTable(
    ['the machine, best round', 'lamina', 'PyTorch'],
    rows.map(({ task, duel }) => [
      labels[task],
      figure(bestRate(duel.ours, duel.steps * perStep[task]) / 1e9),
      figure(duel.peer && bestRate(duel.peer, duel.steps * perStep[task]) / 1e9),
    ]),
  );
}

function floorTable({ rows, config }: EngineResult, measured: readonly EngineRow[]): string {
  const [flopsPerSecond, bytesPerSecond] = [machineRate(rows, 'gemm'), machineRate(rows, 'copy')];
  return markdownTable(
    ['one step', 'MFLOP', 'MB', 'floor ms', 'lamina ms', 'PyTorch ms', 'lamina at', 'PyTorch at'],
    measured.map(({ task, duel: { ours, peer, steps } }) => {
      const { flops, bytes } = workOf(task, config);
      const floor = 1000 * Math.max(flops / flopsPerSecond, bytes / bytesPerSecond);
      const step = median(ours.cpu_ms) / steps;
      const peerStep = peer && median(peer.cpu_ms) / steps;
      const work = [flops / 1e6, bytes / 1e6, floor, step, peerStep].map(figure);
      return [labels[task], ...work, percent(floor / step), percent(peerStep && floor / peerStep)];
    }),
  );
}

/** Operations or bytes per CPU second, the better of the two sides. */
function machineRate(rows: readonly EngineRow[], task: Task): number {
  const { ours, peer, steps } = (rows.find((row) => row.task === task) as EngineRow).duel;
  return Math.max(...[ours, ...(peer ? [peer] : [])].map((score) => bestRate(score, steps * perStep[task])));
}

/** The best round, not the median: what the machine can do when nobody disturbs. */
function bestRate({ cpu_ms }: Score, amount: number): number {
  return (1000 * amount) / Math.min(...cpu_ms);
}

/** Per second, at the median. */
function rate(times_ms: readonly number[], amount: number): number {
  return (1000 * amount) / median(times_ms);
}
