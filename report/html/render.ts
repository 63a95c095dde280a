// A result as one HTML page that stands by itself: no network, no script needed, light and dark, printable.
import type { RunResult } from '../../contract/result.ts';
import { formatDuration } from '../../util/amounts.ts';
import { drawStages, stageGroups } from '../figure/stage-graph.ts';
import { drawFigures } from '../figure/svg.ts';
import { buildTable } from '../table/table.ts';
import { warningSentences } from '../table/warnings.ts';
import { claimsHtml } from './claims.ts';
import { html, type Markup, nothing, trusted } from './markup.ts';
import { numbersHtml } from './numbers.ts';
import { htmlPage } from './page.ts';
import { stagesHtml, timingsHtml } from './stages.ts';
import { pageScript } from './style.ts';
import { tableHtml } from './table.ts';

interface Section {
  id: string;
  title: string;
  body: Markup;
}

/** The page; sections that have nothing to say are left out. Equal results give equal bytes. */
export async function renderHtml(result: RunResult): Promise<string> {
  return htmlPage(`${result.title} – ${result.experiment}`, await resultBody(result), pageScript);
}

/** What stands on the page. */
export async function resultBody(result: RunResult): Promise<Markup> {
  const sections = (await sectionsOf(result)).filter(({ body }) => body.markup !== '');
  const links = sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`);
  const bodies = sections.map(
    ({ id, title, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>`,
  );
  return html`<a class="skip" href="#table">skip to the table</a>
<header><h1>${result.title}</h1>${headerHtml(result)}</header>
<nav aria-label="sections"><ul>${links}</ul></nav>
<main>${bodies}</main>`;
}

async function sectionsOf(result: RunResult): Promise<Section[]> {
  const table = buildTable(result);
  const groups = stageGroups(result);
  const { claims, notes, provenance, timings, cells } = result;
  return [
    { id: 'table', title: 'Table', body: cells.length === 0 ? nothing : tableHtml(table) },
    { id: 'warnings', title: 'Warnings', body: warningsHtml(result) },
    { id: 'claims', title: 'Claims', body: claims.length === 0 ? nothing : claimsHtml(claims) },
    { id: 'notes', title: 'Notes', body: notes.length === 0 ? nothing : notesHtml(notes) },
    { id: 'figures', title: 'Figures', body: figuresHtml(result) },
    { id: 'stages', title: 'Stages', body: await graphHtml(result) },
    {
      id: 'timings',
      title: 'Timings',
      body: timings === null || timings.length === 0 ? nothing : timingsHtml(timings),
    },
    {
      id: 'numbers',
      title: 'How each number was made',
      body: cells.length === 0 ? nothing : foldable(numbersHtml(result, table)),
    },
    {
      id: 'provenance',
      title: 'How each stage was run',
      body: provenance === null || groups.length === 0 ? nothing : foldable(stagesHtml(groups, provenance)),
    },
  ];
}

function headerHtml({ experiment, profile, run, spec, overrides, copies = [], summary }: RunResult): Markup {
  const time = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z/.exec(run);
  const date =
    time === null
      ? nothing
      : html` · <time datetime="${time[1] ?? ''}T${time[2] ?? ''}:${time[3] ?? ''}:${time[4] ?? ''}Z">${time[1] ?? ''} ${time[2] ?? ''}:${time[3] ?? ''} UTC</time>`;
  const changes =
    overrides.length === 0 ? nothing : html`<p class="faint">changed by <code>${overrides.join(' ')}</code></p>`;
  const copied =
    copies.length === 0 ? nothing : html`<p class="faint">with copies: <code>${copies.join(' ')}</code></p>`;
  const units = summary.cached + summary.ran + summary.failed + summary.blocked;
  const counts = [
    `${summary.ran} ran`,
    `${summary.cached} cached`,
    `${summary.failed} failed`,
    `${summary.blocked} not reached`,
  ];
  const shown = counts.filter((count) => !count.startsWith('0 ')).join(', ');
  const work =
    units === 0
      ? nothing
      : html`<p class="faint">${units} units: ${shown} · ${formatDuration(summary.duration_ms)}</p>`;
  const named = run === '' ? nothing : html` · <code>${experiment}@${run}</code>`;
  return html`<p>${experiment} · profile ${profile}${date}${named} · <code>${spec}</code></p>${changes}${copied}${work}`;
}

function warningsHtml(result: RunResult): Markup {
  const sentences = warningSentences(result);
  if (sentences.length === 0) return nothing;
  return html`<ul class="warnings">${sentences.map((text) => html`<li>${text}</li>`)}</ul>`;
}

function notesHtml(notes: readonly string[]): Markup {
  return html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`;
}

function figuresHtml(result: RunResult): Markup {
  const figures = drawFigures(result).map(({ name, svg, caption }) => {
    const text = caption === '' ? nothing : html`<figcaption>${caption}</figcaption>`;
    return html`<figure id="figure-${name}"><div class="wide">${trusted(svg)}</div>${text}</figure>`;
  });
  return figures.length === 0 ? nothing : html`${figures}`;
}

async function graphHtml(result: RunResult): Promise<Markup> {
  const svg = await drawStages(result, (i) => `#stage-${i + 1}`);
  return svg === null ? nothing : html`<figure><div class="wide">${trusted(svg)}</div></figure>`;
}

function foldable(body: Markup): Markup {
  return html`<div><p class="open-all"></p>${body}</div>`;
}
