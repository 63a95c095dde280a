// The answers of `lamina why` as text.
import { codePointer } from '../../contract/plan.ts';
import type { Json } from '../../contract/stage.ts';
import { formatNumber, formatPaper, publishedDecimals } from '../../report/numbers/number.ts';
import { wrapText } from '../../report/numbers/text-width.ts';
import type { ExplainedDifference } from '../../runner/explain/explain.ts';
import { formatDuration } from '../../util/amounts.ts';
import { isObject } from '../../util/json.ts';
import { alignColumns } from '../common/columns.ts';
import { countOf, shortPath } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';
import type { PastFailure } from '../runs/past-failures.ts';
import type { CellStory, Explained, ExplainedStep } from './story.ts';

/** Why each unit is cached, would run or waits; units with the same answer are told together. */
export function explanationsText(explanations: readonly Explained[], { paint }: Output): string {
  const groups = new Map<string, Explained[]>();
  for (const each of explanations) {
    const text = `${each.stage}\n${each.cell}\n${explanationLines(each).join('\n')}`;
    groups.set(text, [...(groups.get(text) ?? []), each]);
  }
  const parts = [...groups.values()].map((group) => {
    const [first] = group as [Explained];
    const heading = groups.size === 1 && first.unit === '' ? [] : [paint.strong(headingOf(group))];
    return [...heading, ...explanationLines(first)].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}

/** `warm · type=T_next · 3→4, 5→6`. */
function headingOf(group: readonly Explained[]): string {
  const [first] = group as [Explained];
  const units = group.map(({ unit }) => unit).filter((unit) => unit !== '');
  const named =
    units.length > 6 ? `${units.slice(0, 5).join(', ')} and ${units.length - 5} more units` : units.join(', ');
  return [first.stage, first.cell, named].filter((part) => part !== '').join(' · ');
}

function explanationLines(explanation: Explained): string[] {
  const { status, record, forced, lost, earlier, same_inputs, open_inputs, last_failure } = explanation;
  if (status === 'hit' && record !== null) {
    const { started, duration_ms, experiment } = record.about;
    return [
      `cached: made ${started.slice(0, 16).replace('T', ' ')} by ${experiment} in ${formatDuration(duration_ms)}`,
    ];
  }
  if (lost !== null) return [`will run: its record is there, but its ${lost}`];
  const head = status === 'depends' ? 'waits:    ' : 'will run: ';
  const rows: string[][] = [];
  if (forced) rows.push(['--force names its stage']);
  for (const input of open_inputs) rows.push([`input ${input}`, 'has yet to be made']);
  if (earlier === null) rows.push(['nothing like it has run in this store']);
  else rows.push(...explanation.differences.map(differenceColumns));
  if (rows.length === 0) rows.push(['its result is not in the store any more']);
  if (earlier !== null) rows.push(...same_inputs.map((input) => [`input ${input}`, 'same bytes as before']));
  const lines = alignColumns(rows).map((line, i) => `${i === 0 ? head : ' '.repeat(head.length)}${line}`);
  return last_failure === null ? lines : [`failed:   ${failureText(last_failure)}`, ...lines];
}

/** `2026-11-22 15:02 in run 17-2026-11-22T15-02-11Z: it broke`. */
function failureText({ run, ended, message, same_key }: PastFailure): string {
  const when = ended === null ? '' : `${ended.slice(0, 16).replace('T', ' ')} `;
  const other = same_key ? '' : ', with other parameters or inputs';
  return `${when}in run ${run}${other}: ${message}`;
}

function differenceColumns({ kind, name, pointer, before, after, origin }: ExplainedDifference): string[] {
  const labels = {
    param: `params.${name}`,
    input: `input ${name}`,
    source: pointer === codePointer ? 'code of the stage' : `file ${name}`,
    numerics: `numerics.${name}`,
  };
  const plain = { version: 'version of the stage', seed: 'seed', unit: 'unit' };
  const label = { ...labels, ...plain }[kind];
  const place = origin === null ? '' : originText(origin);
  return [label, `${valueText(before)} → ${valueText(after)}`, place];
}

function originText({ file, line, column }: { file: string; line: number; column: number }): string {
  return line === 0 ? file : `${shortPath(file)}:${line}:${column}`;
}

function valueText(value: Json | undefined): string {
  if (value === undefined) return '(none)';
  if (isObject(value) && typeof value.digest === 'string') return `bytes ${value.digest.slice(0, 8)}`;
  if (typeof value === 'string') return value;
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** A cell's number, then every unit below it, the nearest first. */
export function lineageText({ cell, value, steps }: CellStory, output: Output): string {
  const { paint } = output;
  const width = output.width() ?? Number.POSITIVE_INFINITY;
  const paper = cell.paper === null ? '' : `  (paper: ${formatPaper(cell.paper, publishedDecimals([cell.paper]))})`;
  const open = steps.filter((step) => step.status !== 'hit').length;
  const number =
    value === null ? `not made yet: ${open} of ${countOf(steps.length, 'step')} have yet to run` : formatNumber(value);
  const lines = [`${paint.strong(cell.name)}  ${cell.metric.field}  ${number}${paper}`];
  for (const group of groupByNode(steps)) lines.push(...stepLines(group, width, output));
  return `${lines.join('\n')}\n`;
}

function groupByNode(steps: readonly ExplainedStep[]): ExplainedStep[][] {
  const groups = new Map<string, ExplainedStep[]>();
  for (const step of steps) groups.set(step.node, [...(groups.get(step.node) ?? []), step]);
  return [...groups.values()];
}

function stepLines(group: readonly ExplainedStep[], width: number, { paint }: Output): string[] {
  const [first] = group as [ExplainedStep];
  const spent = group.reduce((sum, { record }) => sum + (record?.about.duration_ms ?? 0), 0);
  const open = group.filter((step) => step.status !== 'hit');
  const state = open.length > 0 ? `${open.length} to run` : `cached, took ${formatDuration(spent)}`;
  const units = first.unit === '' ? [] : [countOf(group.length, 'unit')];
  const key = group.length === 1 && first.key !== null ? [`key ${first.key.slice(0, 12)}`] : [];
  const inputs = [
    ...new Set(
      group.flatMap((step) =>
        Object.values(step.inputs)
          .flat()
          .map(({ node }) => node),
      ),
    ),
  ];
  const from = inputs.length === 0 ? [] : [`from ${inputs.join(', ')}`];
  const sources = Object.entries(first.sources).map(([name, source]) => {
    return `${name} ${shortPath(source.path)} (${source.digest.slice(0, 12)})`;
  });
  const details = [paramsText(first), ...sources].filter((line) => line !== '');
  const failed = [
    ...new Set(group.flatMap(({ last_failure }) => (last_failure === null ? [] : [failureText(last_failure)]))),
  ];
  return [
    ...wrapText(`  ${[`${first.node}  ${first.use}`, ...units, state, ...key, ...from].join(' · ')}`, width, '      '),
    ...failed.flatMap((text) => wrapText(`      failed ${text}`, width, '      ')).map((line) => paint.bad(line)),
    ...details.flatMap((line) => wrapText(`      ${line}`, width, '      ')).map((line) => paint.faint(line)),
  ];
}

/** `lr=0.001, epochs=5`; paths are told as sources. */
function paramsText({ params, sources }: ExplainedStep): string {
  const shown = Object.entries(params).filter(([name]) => !(name in sources));
  return shown.map(([name, value]) => `${name}=${valueText(value)}`).join(', ');
}
