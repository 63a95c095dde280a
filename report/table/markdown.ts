// A table, or a whole result with its claims, as GitHub-flavoured Markdown.
import type { ClaimResult, RunResult } from '../../contract/result.ts';
import { claimMark, claimsHeading, groupCases } from './claims.ts';
import { legend, oursText, paperText } from './entry-text.ts';
import { namedHeadingLines } from './headings.ts';
import { buildTable, type Table, type TableEntry } from './table.ts';
import { warningSentences } from './warnings.ts';

/** The title, the table, the claims, the notes and links to the figures (where they lie in the folder `figures`). It names no run and no time, so equal numbers give equal text. */
export function renderMarkdown(result: RunResult, options: { figures?: string | undefined } = {}): string {
  const table = buildTable(result);
  const marked = table.marked_notes.map(({ mark, note }) => `<sup>${mark}</sup> ${escapeMarkdown(note)}\n`);
  const remarks = [...legend(table, 'bold:').map((line) => `${escapeMarkdown(line)}\n`), ...marked];
  const parts = [`# ${escapeMarkdown(result.title)}\n`, renderMarkdownTable(table), remarks.join('\n')];
  const { copies = [] } = result;
  if (copies.length > 0) parts.push(`with copies: ${escapeMarkdown(copies.join(' '))}\n`);
  const warnings = warningSentences(result).map((text) => `- ! ${escapeMarkdown(text)}\n`);
  if (warnings.length > 0) parts.push(`warnings  ${warnings.length}\n\n${warnings.join('')}`);
  if (result.claims.length > 0) parts.push(renderMarkdownClaims(result));
  if (table.notes.length > 0) parts.push(table.notes.map((note) => `- ${escapeMarkdown(note)}\n`).join(''));
  const { figures } = options;
  if (result.figures.length > 0 && figures !== undefined) parts.push(renderMarkdownFigures(result, figures));
  return parts.join('\n');
}

/** Only the table: labels left, numbers right. Markdown has one line of headings, so further ones are bold; a heading stands above the first of its columns. */
export function renderMarkdownTable(table: Table): string {
  const levels = namedHeadingLines(table).map((line, i, { length }) => {
    const axes = table.row_axes.map((axis) => (i === length - 1 ? axis : ''));
    return [...axes, ...line.flatMap(({ text, span }) => [text, ...Array<string>(span - 1).fill('')])];
  });
  const [headings = [], ...further] = levels.map((line) => line.map(escapeMarkdown));
  const rules = [...table.row_axes.map(() => ':---'), ...table.columns.map(() => '---:')];
  const rows = table.rows.map((row) => [
    ...row.labels.map(escapeMarkdown),
    ...row.entries.map((entry) => markdownEntry(entry, table)),
  ]);
  const lines = [headings, rules, ...further.map((line) => line.map(bold)), ...rows];
  return `${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`;
}

function markdownEntry(entry: TableEntry | null, table: Table): string {
  const marks = entry === null || entry.marks.length === 0 ? '' : `<sup>${entry.marks.join(',')}</sup>`;
  const ours = escapeMarkdown(oursText(entry));
  return `${entry?.best ? bold(ours) : ours}${marks} ${escapeMarkdown(paperText(entry, table))}`.trim();
}

function bold(text: string): string {
  return text === '' ? '' : `**${text}**`;
}

function renderMarkdownFigures(result: RunResult, folder: string): string {
  const figures = result.figures.map(({ name, title, caption }) => {
    const text = caption === '' ? '' : `\n${escapeMarkdown(caption)}\n`;
    return `![${escapeMarkdown(title)}](${folder}/${encodeURIComponent(name)}.svg)\n${text}`;
  });
  return figures.join('\n');
}

function renderMarkdownClaims(result: RunResult): string {
  const line = (claim: ClaimResult, text: string) => `- ${claimMark(claim)} ${escapeMarkdown(text)}`;
  const lines = [...groupCases(result.claims)].flatMap(([text, cases]) => {
    const [first] = cases as [ClaimResult];
    if (cases.length === 1) return [line(first, `${text}: ${first.detail}`)];
    return [`- ${escapeMarkdown(text)}`, ...cases.map((each) => `  ${line(each, each.detail)}`)];
  });
  return `${claimsHeading(result.claims)}\n\n${lines.join('\n')}\n`;
}

/** `text` so that Markdown shows it as it is, on one line. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\|*_`[\]<>#]/g, '\\$&');
}
