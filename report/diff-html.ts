// A diff as one self-contained HTML page.
import type { Diff } from './diff.ts';
import { type DiffView, type MetricsView, viewOf } from './diff-view.ts';
import type { MetricRow } from './diff-view-metrics.ts';
import { escapeMarkup } from './escape-markup.ts';
import { htmlPage } from './html-parts.ts';

const style = `
h1 .arrow { color: var(--faint); font-weight: normal; }
td.arrows { white-space: nowrap; }
.was { color: var(--faint); } .claim { display: flex; gap: .75rem; } .claim .mark { white-space: nowrap; font-weight: 600; }
`;

/** The page. */
export function renderDiffHtml(diff: Diff): string {
  const view = viewOf(diff);
  const parts = [
    `<h1>${escapeMarkup(view.before)} <span class="arrow">→</span> ${escapeMarkup(view.after)}</h1>`,
    ...view.remarks.map((remark) => `<p class="faint">${escapeMarkup(remark)}</p>`),
    specPart(view),
    view.metrics === null ? '' : metricsPart(view.metrics),
    view.claims === null ? '' : claimsPart(view.claims),
  ];
  return htmlPage(`${view.before} → ${view.after}`, parts.filter((part) => part !== '').join('\n'), style);
}

function specPart({ spec }: DiffView): string {
  const rows = spec.rows.map(({ what, change, cells, places }) => {
    const texts = [`<code>${escapeMarkup(what)}</code>`, escapeMarkup(change), escapeMarkup(cells)];
    const where = `<span class="code faint">${escapeMarkup(places)}</span>`;
    return `<tr>${[...texts, where].map((text) => `<td>${text}</td>`).join('')}</tr>`;
  });
  return section('spec', spec.summary, table(['what', 'change', 'cells', 'where'].map(heading), rows));
}

function metricsPart({ summary, headings, rows, lone, legend }: MetricsView): string {
  const numbers = ['before', 'after', 'change', '', 'noise'].map((text) => `<th class="number">${text}</th>`);
  const heads = [...headings.map(heading), ...numbers, heading('')];
  const remarks = legend.map((line) => `<p class="faint">${escapeMarkup(line)}</p>`).join('\n');
  const list = lone.length === 0 ? '' : `<ul>${lone.map((line) => `<li>${escapeMarkup(line)}</li>`).join('\n')}</ul>`;
  return section('metrics', summary, [table(heads, rows.map(metricRow)), list, remarks].join('\n'));
}

function metricRow({ labels, before, after, delta, relative, noise, verdict, tone }: MetricRow): string {
  const numbers = [before, after, delta, relative, noise].map(
    (text) => `<td class="number">${escapeMarkup(text)}</td>`,
  );
  const names = labels.map((label) => `<td>${escapeMarkup(label)}</td>`);
  const word = `<td class="${tone === 'good' || tone === 'bad' ? tone : ''}">${escapeMarkup(verdict)}</td>`;
  return `<tr${tone === 'faint' ? ' class="faint"' : ''}>${[...names, ...numbers, word].join('')}</tr>`;
}

function claimsPart({ summary, rows }: NonNullable<DiffView['claims']>): string {
  const items = rows.map(({ mark, claim, details, tone }) => {
    const lines = details
      .map(({ when, detail }) => `<br><span class="was">${when}</span> ${escapeMarkup(detail)}`)
      .join('');
    return `<li class="claim"><span class="mark ${tone}">${escapeMarkup(mark)}</span><span>${escapeMarkup(claim)}${lines}</span></li>`;
  });
  return section('claims', summary, items.length === 0 ? '' : `<ul class="plain">${items.join('\n')}</ul>`);
}

function section(name: string, summary: string, body: string): string {
  return `<h2>${name} <small>${escapeMarkup(summary)}</small></h2>\n${body}`.trim();
}

function heading(text: string): string {
  return `<th>${escapeMarkup(text)}</th>`;
}

function table(headings: readonly string[], rows: readonly string[]): string {
  if (rows.length === 0) return '';
  return `<div class="scroll"><table>\n<thead><tr>${headings.join('')}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table></div>`;
}
