// A result as the paper's table: printed and measured numbers, verdicts, and for each number the way down to its data.
import type { CellResult, RunResult } from '../../contract/result.ts';
import { drawFigures } from '../../report/figure/svg.ts';
import { chainHtml } from '../../report/html/chain.ts';
import { claimsHtml } from '../../report/html/claims.ts';
import { html, type Markup, nothing, trusted } from '../../report/html/markup.ts';
import { resultBody } from '../../report/html/render.ts';
import { tableHtml } from '../../report/html/table.ts';
import { formatNumber } from '../../report/numbers/number.ts';
import { buildTable, type Table, type TableEntry } from '../../report/table/table.ts';
import { warningSentences } from '../../report/table/warnings.ts';
import type { ShownResult } from '../facts.ts';
import { address, type Query } from './address.ts';
import { type Asked, choices, chooser, commandHtml, type Drawn, linkTo, live, sentences } from './view.ts';

const path = '/result';

export async function resultView(asked: Asked): Promise<Drawn> {
  const { facts, query, alone } = asked;
  const run = query.text('run');
  if (run === '') return { title: 'Result', body: html`<h1>Result</h1>${await choices(asked, path)}`, follows: [] };
  const shown = await facts.result(run);
  const { result, name, warnings, remarks } = shown;
  // as a file it is the page of `lamina show --format html`, in which every number leads to its making
  if (alone && result !== null) return { title: result.title, body: await resultBody(result), follows: null };
  const body = html`${await chooser(asked, path, name)}
${sentences(warnings)}${sentences(remarks, 'remarks')}
${result === null ? html`<h1>${name}</h1><p>It has no numbers.</p>${elsewhere(name, alone)}` : resultHtml(result, shown, query)}`;
  return { title: result?.title ?? name, body, follows: [name] };
}

function resultHtml(result: RunResult, { name, again }: ShownResult, query: Query): Markup {
  const table = buildTable(result);
  const [, row = '', column = ''] = /^(\d{1,6})-(\d{1,6})$/.exec(query.text('number')) ?? [];
  const chosen = table.rows[Number(row) - 1]?.entries[Number(column) - 1] ?? null;
  const link = (i: number, j: number) => `${query.with(path, { run: name, number: `${i + 1}-${j + 1}` })}#number`;
  const figures = drawFigures(result).map(({ svg, caption }) => {
    const text = caption === '' ? nothing : html`<figcaption>${caption}</figcaption>`;
    return html`<figure><div class="wide" tabindex="0">${trusted(svg)}</div>${text}</figure>`;
  });
  const claims = result.claims.length === 0 ? nothing : html`<h2>Verdict</h2>${claimsHtml(result.claims)}`;
  const flags = [...result.overrides, ...(result.copies ?? [])];
  const notes = result.notes.length === 0 ? nothing : html`<h2>Notes</h2>${sentences(result.notes, 'remarks')}`;
  return html`<h1>${result.title}</h1>
<p class="faint">${result.experiment} · profile ${result.profile} · <code>${result.spec}</code>${flags.length === 0 ? nothing : html` · <code>${flags.join(' ')}</code>`}</p>
${elsewhere(name, false)}${sentences(warningSentences(result))}
${result.cells.length === 0 ? html`<p>It has no cells.</p>` : tableHtml(table, link)}
${chosen === null ? hint : numberHtml(result, table, chosen, Number(row) - 1, Number(column) - 1)}
${claims}${figures.length === 0 ? nothing : html`<h2>Figures</h2>${figures}`}${notes}
${again === null ? nothing : html`<h2>Again</h2>${commandHtml(again)}`}`;
}

const hint = html`<p class="faint" id="number">A number leads to how it was made.</p>`;

/** The same run in other views. */
export function elsewhere(name: string, alone: boolean): Markup {
  const views = [
    ['/result', 'result'],
    ['/graph', 'graph'],
    ['/curves', 'curves'],
    ['/layers', 'layers'],
    ['/why', 'why'],
  ] as const;
  const links = views.map(([to, text]) => html`${linkTo(alone, address(to, { run: name }), text)} `);
  return live(alone, html`<p class="elsewhere">${links}</p>`);
}

function numberHtml(result: RunResult, table: Table, entry: TableEntry, row: number, column: number): Markup {
  const place = [
    ...(table.rows[row]?.labels.slice(0, table.row_axes.length - table.beside) ?? []),
    ...(table.columns[column] ?? []),
  ].join(' · ');
  const cells = entry.cells.flatMap((i) => result.cells[i] ?? []);
  const parts = cells.map(
    (cell) =>
      html`${cells.length > 1 ? html`<h3>${cell.name}</h3>` : nothing}${cellHtml(cell)}${chainHtml(result, cell)}`,
  );
  return html`<section class="card" id="number" aria-labelledby="number-title"><h2 id="number-title">${place}</h2>${parts}</section>`;
}

function cellHtml({ metric, value, paper, stderr, n, error, name, digest }: CellResult): Markup {
  const ratio = value !== null && paper !== null && paper !== 0 ? `${formatNumber(value / paper)} of it` : '';
  const rows: [string, string | null][] = [
    ['measured', value === null ? (error ?? 'no value') : `${value} (${metric})`],
    ['printed', paper === null ? null : `${paper}${ratio === '' ? '' : ` · measured: ${ratio}`}`],
    ['standard error', stderr === null ? null : String(stderr)],
    ['rests on', n === null ? null : `${n} tokens`],
    ['cell', name],
    ['digest', digest],
  ];
  return html`<dl>${rows.flatMap(([term, text]) => (text === null ? [] : [html`<dt>${term}</dt><dd>${text}</dd>`]))}</dl>`;
}
