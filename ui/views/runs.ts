// The list of runs: in what they differ, how each ended, its number; filtered, sorted, tagged.
import { html, type Markup, nothing } from '../../report/html/markup.ts';
import { formatNumber } from '../../report/numbers/number.ts';
import { formatDuration } from '../../util/amounts.ts';
import type { RunPage, RunQuery, RunRow } from '../facts.ts';
import { address, type Query } from './address.ts';
import { type Asked, type Drawn, linkTo, live, scrolling, sentences } from './view.ts';

const path = '/runs';
/** Parameters that stand as columns unless others are chosen. */
const usualParams = 6;
const statuses = ['done', 'failed', 'stopped', 'died', 'running', 'unknown', 'damaged'];

export async function runsView(asked: Asked): Promise<Drawn> {
  const { facts, query, alone } = asked;
  const wanted = queryOf(query);
  const page = await facts.runs(wanted);
  const chosen = query.all('col');
  const params =
    chosen.length > 0 || query.has('cols')
      ? chosen.filter((name) => page.params.includes(name))
      : page.params.slice(0, usualParams);
  const columns = columnsOf(page.rows, params, alone);
  const body = html`<h1>Runs</h1>
${live(alone, filterForm(wanted, page, params, query))}
${sentences([...page.strays, ...page.rows.flatMap((row) => row.damaged)].slice(0, 20))}
<p class="faint" aria-live="polite">${countText(page)}</p>
${page.rows.length === 0 ? emptyHtml(page) : listHtml(page, columns, wanted, query, alone)}`;
  return { title: 'Runs', body, follows: [] };
}

function queryOf(query: Query): RunQuery {
  return {
    text: query.text('q'),
    experiment: query.text('experiment'),
    status: query.text('status'),
    tag: query.text('tag'),
    sort: query.text('sort') || '-started',
    page: query.number('page', 1, 1) - 1,
  };
}

function countText({ found, all, read }: RunPage): string {
  const count = `${all} ${all === 1 ? 'run' : 'runs'}`;
  const which = found === read ? count : `${found} of ${count}`;
  return read < all ? `${which} · ${read} read so far` : which;
}

function emptyHtml({ all }: RunPage): Markup {
  if (all > 0) return html`<p>No run is meant by this. <a href="${path}">all runs</a></p>`;
  return html`<p>No runs in this store yet. Start one: <code>lamina run lamina:quickstart</code></p>`;
}

function filterForm(
  { text, experiment, status, tag, sort }: RunQuery,
  page: RunPage,
  params: readonly string[],
  query: Query,
): Markup {
  const select = (name: string, value: string, all: string, values: readonly string[]) => {
    const options = values.map((each) => html`<option${each === value ? html` selected` : nothing}>${each}</option>`);
    return html`<label><span class="hidden">${name}</span><select name="${name}"><option value="">${all}</option>${options}</select></label>`;
  };
  const kept = query.has('cols') ? [hidden('cols', '1'), ...params.map((name) => hidden('col', name))] : [];
  return html`<form class="bar" method="get" action="${path}" data-auto>
<label>find <input type="search" name="q" value="${text}" placeholder="name, note, tuned.lr=1e-5" size="24"></label>
${select('experiment', experiment, 'all experiments', page.experiments)}${select('status', status, 'however ended', statuses)}${select('tag', tag, 'any tag', page.tags)}
${hidden('sort', sort)}${kept}<button>find</button></form>${columnsForm({ text, experiment, status, tag, sort }, page, params)}`;
}

/** Without a choice the columns are the parameters that differ among what was found. */
function columnsForm(wanted: Omit<RunQuery, 'page'>, page: RunPage, params: readonly string[]): Markup {
  if (page.params.length === 0) return nothing;
  const { text, experiment, status, tag, sort } = wanted;
  const boxes = page.params
    .slice(0, 200)
    .map(
      (name) =>
        html`<label><input type="checkbox" name="col" value="${name}"${params.includes(name) ? html` checked` : nothing}> ${name}</label>`,
    );
  const kept = Object.entries({ q: text, experiment, status, tag, sort, cols: '1' }).filter(
    ([, value]) => value !== '',
  );
  return html`<details id="columns"><summary>columns: ${params.length} of ${page.params.length} that differ</summary>
<form class="inside boxes" method="get" action="${path}" data-auto>${kept.map(([name, value]) => hidden(name, value))}${boxes}<button>show</button></form></details>`;
}

function hidden(name: string, value: string): Markup {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}

/** A column: what it is sorted by, its heading, and what stands in it. */
interface Column {
  sort: string;
  head: string;
  kind: '' | 'num' | 'long';
  cell(row: RunRow): Markup | string;
}

/** Those that say something of one of the rows at least. */
function columnsOf(rows: readonly RunRow[], params: readonly string[], alone: boolean): Column[] {
  const column = (sort: string, head: string, kind: Column['kind'], cell: Column['cell']): Column => ({
    sort,
    head,
    kind,
    cell,
  });
  const metric = [...new Set(rows.map((row) => row.metric_name).filter((name) => name !== ''))];
  const all = [
    column('name', 'name', '', (row) => row.label),
    column('status', 'status', '', (row) => html`<span class="badge ${toneOf(row.status)}">${row.status_text}</span>`),
    column('profile', 'profile', '', (row) => row.profile),
    column('cells', 'cells', 'num', (row) =>
      row.cells === 0 ? '' : row.measured === row.cells ? `${row.cells}` : `${row.measured} of ${row.cells}`,
    ),
    column('claims', 'claims', 'num', claimsText),
    column('metric', metric.length === 1 ? (metric[0] ?? '') : 'number', 'num', (row) =>
      row.metric === null
        ? ''
        : html`<span title="${row.metric_name}: ${row.metric_cell}">${formatNumber(row.metric)}</span>`,
    ),
    ...params.map((name) => column(`param:${name}`, name, '', (row) => row.params[name] ?? '')),
    column('changed', 'flags', 'long', (row) => row.overrides),
    column('took', 'took', 'num', (row) => (row.duration_ms === null ? '' : formatDuration(row.duration_ms))),
    column('started', 'began (UTC)', '', (row) => row.started.slice(0, 16).replace('T', ' ')),
    column(
      'tags',
      'tags',
      '',
      (row) => html`${row.tags.map((tag) => html`${linkTo(alone, address(path, { tag }), `#${tag}`)} `)}`,
    ),
    column('note', 'note', 'long', (row) => row.note),
  ];
  const says = (each: Column) =>
    rows.some((row) => {
      const cell = each.cell(row);
      return (typeof cell === 'string' ? cell : cell.markup) !== '';
    });
  return all.filter(says);
}

function claimsText({ hold, fail, undecided }: RunRow): Markup {
  const part = (count: number, tone: string, mark: string) =>
    count === 0 ? nothing : html`<span class="${tone}">${count} ${mark}</span> `;
  return html`${part(hold, 'good', '✓')}${part(fail, 'bad', '✗')}${part(undecided, 'warn', '?')}`;
}

function toneOf(status: RunRow['status']): string {
  if (status === 'done') return 'holds';
  return status === 'running' || status === 'unknown' ? 'noise' : 'fails';
}

function listHtml(page: RunPage, columns: readonly Column[], wanted: RunQuery, query: Query, alone: boolean): Markup {
  const sorted = wanted.sort.replace(/^-/, '');
  const down = wanted.sort.startsWith('-');
  const head = (sort: string, text: string, kind: string) => {
    const order = sorted === sort ? (down ? 'descending' : 'ascending') : undefined;
    const next = sorted === sort && !down ? `-${sort}` : sort;
    const to = query.with(path, { sort: next, page: null });
    return html`<th scope="col"${kind === 'num' ? html` class="num"` : nothing}${order === undefined ? nothing : html` aria-sort="${order}"`}>${linkTo(alone, to, html`${text}${order === undefined ? '' : down ? ' ↓' : ' ↑'}`)}</th>`;
  };
  const heads = [head('run', 'run', ''), ...columns.map((each) => head(each.sort, each.head, each.kind))];
  const rows = page.rows.map((row) => rowHtml(row, columns, alone));
  const box = live(alone, html`<th scope="col"><span class="hidden">choose</span></th>`);
  const last = live(alone, html`<th scope="col"><span class="hidden">edit</span></th>`);
  const table = scrolling(
    'runs',
    html`<table class="runs"><thead><tr>${box}${heads}${last}</tr></thead><tbody>${rows}</tbody></table>`,
  );
  if (alone) return table;
  return html`<form method="get" action="/diff" id="chosen"><p class="bar"><button formaction="/diff">compare two</button>
<button formaction="/curves">curves of the chosen</button></p>${table}</form>${pagesHtml(page, wanted, query)}`;
}

function rowHtml(row: RunRow, columns: readonly Column[], alone: boolean): Markup {
  const { name } = row;
  const text = row.number === null ? row.run : `${row.experiment}@${row.number}`;
  const first = linkTo(alone, address(row.status === 'running' ? '/graph' : '/result', { run: name }), text);
  const cells = columns.map(
    (each) => html`<td${each.kind === '' ? nothing : html` class="${each.kind}"`}>${each.cell(row)}</td>`,
  );
  const box = live(
    alone,
    html`<td><input type="checkbox" name="run" value="${name}" aria-label="choose ${text}"></td>`,
  );
  const edit = live(
    alone,
    html`<td><button type="button" class="edit" data-run="${name}" data-tags="${row.tags.join(' ')}" data-note="${row.note}" aria-label="tags and note of ${text}">edit</button></td>`,
  );
  return html`<tr>${box}<th scope="row">${first}</th>${cells}${edit}</tr>`;
}

function pagesHtml({ pages }: RunPage, { page }: RunQuery, query: Query): Markup {
  if (pages < 2) return nothing;
  const at = Math.min(page, pages - 1);
  const to = (number: number, text: string) =>
    html`<a href="${query.with(path, { page: String(number + 1) })}">${text}</a>`;
  const before = at > 0 ? html`${to(0, 'first')} ${to(at - 1, 'before')} ` : nothing;
  const after = at < pages - 1 ? html` ${to(at + 1, 'next')} ${to(pages - 1, 'last')}` : nothing;
  return html`<nav class="pages" aria-label="pages">${before}page ${at + 1} of ${pages}${after}</nav>`;
}
