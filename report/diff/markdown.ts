// A diff as GitHub-flavoured Markdown, for a pull request.
import { escapeMarkdown } from '../table/markdown.ts';
import type { Diff } from './diff.ts';
import { type DiffView, viewOf } from './view.ts';
import type { MetricsView } from './view-metrics.ts';

/** The whole diff; ends with a line end. */
export function renderDiffMarkdown(diff: Diff): string {
  const view = viewOf(diff);
  const parts = [
    `# ${escapeMarkdown(`${view.before} → ${view.after}`)}\n`,
    ...view.remarks.map((remark) => `${escapeMarkdown(remark)}\n`),
    specPart(view),
  ];
  if (view.metrics !== null) parts.push(metricsPart(view.metrics));
  if (view.claims !== null) parts.push(claimsPart(view.claims));
  if (view.warnings !== null) parts.push(warningsPart(view.warnings));
  return parts.join('\n');
}

function specPart({ spec }: DiffView): string {
  const rows = spec.rows.map(({ what, change, cells, places }) => [what, change, cells, places]);
  return section(
    'spec',
    spec.summary,
    table(['what', 'change', 'cells', 'where'], [':---', ':---', ':---', ':---'], rows),
  );
}

function metricsPart({ summary, headings, rows, lone, legend }: MetricsView): string {
  const heads = [...headings, 'before', 'after', 'change', '', 'noise', ''];
  const rules = [...headings.map(() => ':---'), '---:', '---:', '---:', '---:', '---:', ':---'];
  const lines = rows.map((row) => [
    ...row.labels,
    row.before,
    row.after,
    row.delta,
    row.relative,
    row.noise,
    row.verdict,
  ]);
  const list = lone.length === 0 ? '' : `\n${lone.map((line) => `- ${escapeMarkdown(line)}\n`).join('')}`;
  const remarks = legend.length === 0 ? '' : `\n${legend.map((line) => `${escapeMarkdown(line)}\n`).join('\n')}`;
  return section('metrics', summary, `${table(heads, rules, lines)}${list}${remarks}`);
}

function claimsPart({ summary, rows }: NonNullable<DiffView['claims']>): string {
  const lines = rows.flatMap(({ mark, claim, details }) => [
    `- ${mark} ${escapeMarkdown(claim)}\n`,
    ...details.map(({ when, detail }) => `  - ${when}: ${escapeMarkdown(detail)}\n`),
  ]);
  return section('claims', summary, lines.join(''));
}

function warningsPart({ summary, rows }: NonNullable<DiffView['warnings']>): string {
  const lines = rows.map(({ mark, text }) => `- \`${mark}\` ${escapeMarkdown(text)}\n`);
  return section('warnings', summary, lines.join(''));
}

function section(name: string, summary: string, body: string): string {
  return `## ${name}: ${escapeMarkdown(summary)}\n${body === '' ? '' : `\n${body}`}`;
}

function table(headings: readonly string[], rules: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const lines = [headings.map(escapeMarkdown), rules, ...rows.map((row) => row.map(escapeMarkdown))];
  return `${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`;
}
