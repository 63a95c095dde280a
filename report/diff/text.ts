// A diff as text for a terminal: what differs and nothing else, no line wider than the terminal.
import { type Paint, plainPaint } from '../numbers/paint.ts';
import { cutText, padLeft, padRight, textWidth, wrapText } from '../numbers/text-width.ts';
import type { Diff } from './diff.ts';
import type { Tone } from './tone.ts';
import { type DiffView, viewOf } from './view.ts';
import type { ClaimRow } from './view-claims.ts';
import type { MetricRow, MetricsView } from './view-metrics.ts';
import type { SpecRow } from './view-spec.ts';

export interface DiffTextOptions {
  /** Terminal columns; without it lines are as long as they need to be. */
  width?: number | undefined;
  paint?: Paint | undefined;
  /** List every row of long lists. */
  all?: boolean | undefined;
}

interface Page {
  width: number;
  paint: Paint;
  most: number;
}

/** More rows than this are cut in each part, unless all are asked for. */
const mostRows = 40;
const indent = '  ';

/** The diff; ends with a line end. */
export function renderDiffText(diff: Diff, options: DiffTextOptions = {}): string {
  const { width = Number.POSITIVE_INFINITY, paint = plainPaint, all = false } = options;
  const page = { width, paint, most: all ? Number.POSITIVE_INFINITY : mostRows };
  const view = viewOf(diff);
  const parts = [headingLines(view, page), specLines(view, page)];
  if (view.metrics !== null) parts.push(metricLines(view.metrics, page));
  if (view.claims !== null) parts.push(claimLines(view.claims, page));
  if (view.warnings !== null) parts.push(warningLines(view.warnings, page));
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function headingLines({ before, after, remarks }: DiffView, { paint, width }: Page): string[] {
  const line = `${before} → ${after}`;
  const heading = textWidth(line) <= width ? [line] : [before, `→ ${after}`];
  const faint = remarks.flatMap((remark) => wrapText(remark, width)).map((text) => paint.faint(text));
  return [...heading.map((text) => paint.strong(text)), ...faint];
}

function specLines({ spec }: DiffView, page: Page): string[] {
  const shown = spec.rows.slice(0, page.most);
  const followed = shown.filter((row) => row.cells + row.places !== '');
  const widths = [
    columnWidth(followed, (row) => row.what, Math.min(36, page.width / 3)),
    columnWidth(followed, (row) => row.change, Math.min(30, page.width / 3)),
    columnWidth(shown, (row) => row.cells, 20),
  ];
  const lines = shown.flatMap((row) => specRowLines(row, widths, page));
  return [title('spec', spec.summary, page), ...lines, ...more(spec.rows.length - shown.length, page)];
}

/** The widest text that is not wider than `most`: a few long ones do not push the others away. */
function columnWidth<T>(rows: readonly T[], textOf: (row: T) => string, most: number): number {
  return Math.max(0, ...rows.map((row) => textWidth(textOf(row))).filter((width) => width <= most));
}

/** As many of the four parts on one line as fit; the others below, each on its own. */
function specRowLines({ what, change, cells, places }: SpecRow, widths: readonly number[], page: Page): string[] {
  const deep = `${indent}${indent}`;
  const parts = [what, change, cells].map((text, i) => padRight(text, widths[i] ?? 0));
  const whole = indent + parts.join(indent);
  if (textWidth(whole.trimEnd()) > page.width) {
    const below = [cells, ...brokenPlaces(places, page)].filter((text) => text !== '');
    const rest = below.map((text, i) => `${deep}${i === 0 && cells !== '' ? text : page.paint.faint(text)}`);
    return [...wrapText(`${indent}${what}${indent}${change}`, page.width, deep), ...rest];
  }
  if (places === '') return [whole.trimEnd()];
  const room = page.width - indent.length - textWidth(places);
  if (textWidth(whole) <= room) return [`${whole}${indent}${page.paint.faint(places)}`];
  return [whole.trimEnd(), ...brokenPlaces(places, page).map((text) => deep + page.paint.faint(text))];
}

/** Both places on one line, or one below the other. */
function brokenPlaces(places: string, { width }: Page): string[] {
  if (textWidth(places) + 2 * indent.length <= width) return [places];
  return places.split(' → ').map((text, i) => (i === 0 ? text : `→ ${text}`));
}

function metricLines(metrics: MetricsView, page: Page): string[] {
  const shown = metrics.rows.slice(0, page.most);
  const lone = metrics.lone.slice(0, page.most);
  return [
    title('metrics', metrics.summary, page),
    ...metricTable(metrics.headings, shown, page),
    ...more(metrics.rows.length - shown.length, page),
    ...lone.flatMap((line) => wrapText(`${indent}${line}`, page.width, `${indent}${indent}`)),
    ...more(metrics.lone.length - lone.length, page),
    ...metrics.legend
      .flatMap((line) => wrapText(`${indent}${line}`, page.width, `${indent}${indent}`))
      .map((line) => page.paint.faint(line)),
  ];
}

const numberColumns = [
  ['before', (row: MetricRow) => row.before],
  ['after', (row: MetricRow) => row.after],
  ['change', (row: MetricRow) => row.delta],
  ['', (row: MetricRow) => row.relative],
  ['', (row: MetricRow) => row.noise],
] as const;

/** Labels, numbers and a word in one line each; where that is too wide, the labels stand above their numbers. */
function metricTable(headings: readonly string[], rows: readonly MetricRow[], page: Page): string[] {
  if (rows.length === 0) return [];
  const columns = numberColumns.map(([name, textOf]) => {
    return { name, textOf, width: Math.max(textWidth(name), ...rows.map((row) => textWidth(textOf(row)))) };
  });
  const widths = headings.map((_, i) => Math.max(0, ...rows.map((row) => textWidth(row.labels[i] ?? ''))));
  const names = rows.map((row) => row.labels.map((label, i) => padRight(label, widths[i] ?? 0)).join(indent));
  const figures = rows.map((row) => {
    return [...columns.map(({ textOf, width }) => padLeft(textOf(row), width)), row.verdict].join(indent);
  });
  const head = columns.map(({ name, width }) => padLeft(name, width)).join(indent);
  const labels = Math.max(0, ...names.map(textWidth));
  const stacked = labels + Math.max(...figures.map(textWidth)) + 2 * indent.length > page.width;
  const before = indent.repeat(2) + (stacked ? '' : ' '.repeat(labels));
  const lines = rows.flatMap(({ tone: meaning }, i) => {
    const [name = '', line = ''] = [names[i], figures[i]];
    const texts = stacked
      ? [indent + cutText(name.trimEnd(), page.width - 2), ...wrapText(before + line, page.width, indent.repeat(3))]
      : [indent + name + indent + line];
    return texts.map((text) => tone(text.trimEnd(), meaning, page.paint));
  });
  return [page.paint.strong((before + head).trimEnd()), ...lines];
}

function claimLines(claims: NonNullable<DiffView['claims']>, page: Page): string[] {
  const shown = claims.rows.slice(0, page.most);
  const lines = shown.flatMap((row) => claimRowLines(row, page));
  return [title('claims', claims.summary, page), ...lines, ...more(claims.rows.length - shown.length, page)];
}

function claimRowLines({ mark, claim, details, tone: meaning }: ClaimRow, page: Page): string[] {
  const { width, paint, most } = page;
  const before = indent.length + textWidth(mark) + 1;
  const [first = '', ...rest] = wrapText(claim, width - before);
  const lines = [`${indent}${tone(mark, meaning, paint)} ${first}`, ...rest.map((text) => ' '.repeat(before) + text)];
  const below = details
    .slice(0, most)
    .flatMap(({ when, detail }) => wrapText(`${indent}${indent}${when}  ${detail}`, width, '         '));
  return [...lines, ...below, ...more(details.length - most, page, `${indent}${indent}`)];
}

function warningLines({ summary, rows }: NonNullable<DiffView['warnings']>, page: Page): string[] {
  const shown = rows.slice(0, page.most);
  const lines = shown.flatMap(({ mark, text }) => {
    const [first = '', ...rest] = wrapText(text, page.width - 4);
    return [`${indent}${page.paint.warn(mark)} ${first}`, ...rest.map((line) => `    ${line}`)];
  });
  return [title('warnings', summary, page), ...lines, ...more(rows.length - shown.length, page)];
}

function title(name: string, summary: string, { paint, width }: Page): string {
  const [first = '', ...rest] = wrapText(`${name}  ${summary}`, width, '    ');
  return [paint.strong(name) + first.slice(name.length), ...rest].join('\n');
}

function more(count: number, { paint }: Page, before = indent): string[] {
  return count > 0 ? [paint.faint(`${before}and ${count} more (--all lists them)`)] : [];
}

function tone(text: string, meaning: Tone, paint: Paint): string {
  return meaning === 'plain' ? text : paint[meaning](text);
}
