// The runners' results as Markdown.
import { median } from '../../util/statistics.ts';
import { figure, figureWithSpread, mebibytes, unmeasured } from '../figures.ts';
import { markdownTable } from '../markdown-table.ts';
import { pairedRatios } from '../statistics.ts';
import type { Ended } from '../whole-process.ts';
import { type Answers, type GraphResult, type Question, questions } from './runner.ts';
import { shapeTexts } from './shapes.ts';

/** A table for each graph: CPU seconds of each runner, and how many times lamina's they are. */
export function runnerReport(results: readonly GraphResult[], limit_s: number): string {
  return results.map((result) => graphText(result, limit_s)).join('\n\n');
}

function graphText({ shape, tasks, links, answers }: GraphResult, limit_s: number): string {
  const [ours, ...peers] = answers as [Answers, ...Answers[]];
  const head = [
    '',
    ...answers.map(({ runner }) => `${runner.name} s`),
    ...peers.map(({ runner }) => `of ${runner.name}`),
  ];
  const asked = (Object.keys(questions) as Question[]).filter((question) => ours.warm[question].length > 0);
  const rows = asked.map((question) => [
    questions[question],
    ...answers.map((each) => seconds(each.warm[question])),
    ...peers.map((peer) => ratio(peer.warm[question], ours.warm[question])),
  ]);
  const peak = (each: Answers) => mebibytes(peakOf(each.warm.nothing));
  rows.push(['MiB, nothing changed', ...answers.map(peak), ...peers.map(() => '')]);
  const title = `**${shape}**, ${tasks.toLocaleString('en-US')} tasks, ${links.toLocaleString('en-US')} links: ${shapeTexts[shape]}.`;
  return [title, markdownTable(head, rows), firstText(answers, tasks, limit_s)].join('\n\n');
}

function firstText(answers: readonly Answers[], tasks: number, limit_s: number): string {
  const each = answers.map(({ runner, first }) => {
    const name = runner.name;
    if (first.code === null) return `${name} stopped after ${limit_s} s`;
    return first.code !== 0
      ? `${name} failed with code ${first.code}`
      : `${name} ${figure(first.wall_ms / tasks)} (CPU ${figure((first.usage?.cpu_ms ?? Number.NaN) / tasks)})`;
  });
  return `The first run, once, milliseconds of a task by the clock: ${each.join('; ')}.`;
}

/** Not a number where a process ended before anybody could look at it. */
function cpus(ended: readonly Ended[]): number[] {
  return ended.map(({ usage }) => usage?.cpu_ms || Number.NaN);
}

function seconds(ended: readonly Ended[]): string {
  return ended.length === 0 ? unmeasured : figure(median(cpus(ended)) / 1000);
}

function ratio(peer: readonly Ended[], ours: readonly Ended[]): string {
  const ratios = peer.length < ours.length ? [] : pairedRatios(cpus(peer), cpus(ours));
  return ratios.every(Number.isFinite) ? figureWithSpread(ratios) : unmeasured;
}

function peakOf(ended: readonly Ended[]): number | undefined {
  const known = ended.flatMap(({ usage }) => usage?.peak ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}
