// The runner's results as Markdown.
import { median } from '../util/statistics.ts';
import { figure, figureWithSpread, mebibytes, unmeasured } from './figures.ts';
import { markdownTable } from './markdown-table.ts';
import type { RunnerResult, RunnerRow } from './runner.ts';
import { pairedRatios } from './statistics.ts';
import type { Ended } from './whole-process.ts';

/** All of the runner's results. */
export function runnerReport(result: RunnerResult): string {
  const head = [
    '',
    'against',
    'lamina s',
    'DVC s',
    'ratio',
    'lamina CPU s',
    'DVC CPU s',
    'by CPU time',
    'lamina MiB',
    'DVC MiB',
  ];
  return [
    `${result.stages} stages, all cached; seconds of a whole process:`,
    markdownTable(head, result.rows.map(warmRow), 2),
    coldText(result),
  ].join('\n\n');
}

function warmRow({ ours, peer, lamina, dvc }: RunnerRow): string[] {
  return [
    ours,
    peer,
    seconds(walls(lamina)),
    seconds(walls(dvc)),
    figureWithSpread(dvc.length === 0 ? [] : pairedRatios(walls(dvc), walls(lamina))),
    seconds(cpus(lamina)),
    seconds(cpus(dvc)),
    figureWithSpread(dvc.length === 0 ? [] : pairedRatios(cpus(dvc), cpus(lamina))),
    mebibytes(peak(lamina)),
    mebibytes(peak(dvc)),
  ];
}

function coldText({ cold, stages, coldLimit_s }: RunnerResult): string {
  const each = (ended: Ended) => `${seconds([ended.wall_ms])} s, ${figure(ended.wall_ms / stages)} ms a stage`;
  const dvc = cold.dvc === undefined ? 'not measured' : each(cold.dvc);
  const theirs = cold.dvc?.code === null ? `stopped after ${coldLimit_s} s` : dvc;
  return `The first run, once, nothing cached: lamina ${each(cold.lamina)}; DVC ${theirs}.`;
}

function seconds(times_ms: readonly number[]): string {
  return times_ms.length === 0 ? unmeasured : figure(median(times_ms) / 1000);
}

function walls(ended: readonly Ended[]): number[] {
  return ended.map(({ wall_ms }) => wall_ms);
}

function cpus(ended: readonly Ended[]): number[] {
  return ended.map(({ usage }) => usage?.cpu_ms ?? Number.NaN);
}

function peak(ended: readonly Ended[]): number | undefined {
  const known = ended.flatMap(({ usage }) => usage?.peak ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}
