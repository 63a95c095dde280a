// A diff as one self-contained HTML page.
import { html, type Markup, nothing } from '../html/markup.ts';
import { htmlPage } from '../html/page.ts';
import type { Diff } from './diff.ts';
import { type DiffView, viewOf } from './view.ts';
import type { MetricRow, MetricsView } from './view-metrics.ts';

/** The page. */
export function renderDiffHtml(diff: Diff): string {
  const view = viewOf(diff);
  const { before, after } = view;
  return htmlPage(`${before} → ${after}`, diffHtml(view));
}

/** What stands on the page. */
export function diffHtml(view: DiffView): Markup {
  const { before, after, metrics, claims, warnings } = view;
  return html`<h1>${before} <span class="faint">→</span> ${after}</h1>
${view.remarks.map((remark) => html`<p class="faint">${remark}</p>`)}
${specPart(view)}${metrics === null ? nothing : metricsPart(metrics)}${claims === null ? nothing : claimsPart(claims)}${warnings === null ? nothing : warningsPart(warnings)}`;
}

function specPart({ spec }: DiffView): Markup {
  const rows = spec.rows.map(
    ({ what, change, cells, places }) =>
      html`<tr><td><code>${what}</code></td><td>${change}</td><td>${cells}</td><td><code class="faint">${places}</code></td></tr>`,
  );
  return section('Spec', spec.summary, table(['what', 'change', 'cells', 'where'].map(heading), rows));
}

function metricsPart({ summary, headings, rows, lone, legend }: MetricsView): Markup {
  const numbers = ['before', 'after', 'change', '', 'noise'].map((text) => html`<th class="num">${text}</th>`);
  const heads = [...headings.map(heading), ...numbers, heading('')];
  const list = lone.length === 0 ? nothing : html`<ul>${lone.map((line) => html`<li>${line}</li>`)}</ul>`;
  const remarks = html`${legend.map((line) => html`<p class="faint">${line}</p>`)}`;
  return section('Metrics', summary, html`${table(heads, rows.map(metricRow))}${list}${remarks}`);
}

function metricRow({ labels, before, after, delta, relative, noise, verdict, tone }: MetricRow): Markup {
  const numbers = [before, after, delta, relative, noise].map((text) => html`<td class="num">${text}</td>`);
  const names = labels.map((label) => html`<td>${label}</td>`);
  return html`<tr class="${tone === 'faint' ? tone : ''}">${[...names, ...numbers]}<td>${badge(verdict, tone)}</td></tr>`;
}

function claimsPart({ summary, rows }: NonNullable<DiffView['claims']>): Markup {
  const items = rows.map(({ mark, claim, details, tone }) => {
    const lines = details.map(({ when, detail }) => html`<br><span class="faint">${when}</span> ${detail}`);
    return html`<li><div class="case">${badge(mark, tone)}<span>${claim}${lines}</span></div></li>`;
  });
  return section('Claims', summary, items.length === 0 ? nothing : html`<ul class="claims">${items}</ul>`);
}

function warningsPart({ summary, rows }: NonNullable<DiffView['warnings']>): Markup {
  const items = rows.map(({ mark, text }) => html`<li>${mark === '+' ? 'new' : 'gone'}: ${text}</li>`);
  return section('Warnings', summary, html`<ul class="warnings">${items}</ul>`);
}

/** A word in the colour of what it means. */
function badge(text: string, tone: MetricRow['tone']): Markup {
  const colours = { good: 'badge holds', bad: 'badge fails', faint: 'faint', plain: '' };
  return html`<span class="${colours[tone]}">${text}</span>`;
}

function section(name: string, summary: string, body: Markup): Markup {
  return html`<section><h2>${name}</h2><p class="faint">${summary}</p>${body}</section>
`;
}

function heading(text: string): Markup {
  return html`<th scope="col">${text}</th>`;
}

function table(headings: readonly Markup[], rows: readonly Markup[]): Markup {
  if (rows.length === 0) return nothing;
  return html`<div class="wide" tabindex="0"><table><thead><tr>${headings}</tr></thead>
<tbody>${rows}</tbody></table></div>`;
}
