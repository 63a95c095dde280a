// What the list of runs answers to a question: filtered, sorted, a page of it, with the columns that tell its runs apart.
import type { RunPage, RunQuery, RunRow } from '../../ui/facts.ts';
import { mainNumbers } from '../runs/main-number.ts';
import { valuesText, varyingNames } from '../runs/varying.ts';
import type { IndexedRun } from './run-index.ts';

const perPage = 100;

/** `runs`: all that have been read; `all`: how many there are. */
export function runPage(
  { runs, all, strays }: { runs: readonly IndexedRun[]; all: number; strays: readonly string[] },
  query: RunQuery,
): RunPage {
  const found = runs.filter((run) => isMeant(run, query));
  const { rows, params } = rowsOf(found);
  const sorted = sortRows(rows, query.sort);
  const pages = Math.max(1, Math.ceil(sorted.length / perPage));
  const page = Math.min(query.page, pages - 1);
  return {
    rows: sorted.slice(page * perPage, (page + 1) * perPage),
    found: found.length,
    all,
    read: runs.length,
    pages,
    params,
    experiments: [...new Set(runs.map(({ experiment }) => experiment))].sort(),
    tags: [...new Set(runs.flatMap(({ row }) => row.tags))].sort(),
    strays,
  };
}

function isMeant({ row, values }: IndexedRun, { text, experiment, status, tag }: RunQuery): boolean {
  if (experiment !== '' && row.experiment !== experiment) return false;
  if (status !== '' && row.status !== status) return false;
  if (tag !== '' && !row.tags.includes(tag)) return false;
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length === 0) return true;
  const { name, label, tags, note, overrides, profile, status_text } = row;
  const said = [name, label, ...tags, note, overrides, profile, status_text].join('\n').toLowerCase();
  return words.every((word) => said.includes(word) || hasValue(values, word));
}

/** `tuned.lr=1e-5`: a parameter by its name, or the end of it. */
function hasValue(values: IndexedRun['values'], word: string): boolean {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(word) ?? [];
  if (name === undefined || value === undefined) return false;
  return [...values].some(([param, { texts }]) => {
    const known = param.toLowerCase();
    if (known !== name && !known.endsWith(`.${name}`)) return false;
    return [...texts].some((text) => text.toLowerCase() === value || text.toLowerCase() === `"${value}"`);
  });
}

/** Numbers and parameters are compared within an experiment, among the runs that are meant. */
function rowsOf(found: readonly IndexedRun[]): { rows: RunRow[]; params: string[] } {
  const counts = new Map<string, number>();
  const rows = new Map<IndexedRun, RunRow>();
  for (const [, own] of groups(found)) {
    const numbers = mainNumbers(new Map(own.map((each) => [each.run, each])), undefined);
    const names = varyingNames([...new Set(own.map(({ values }) => values))]).filter((name) => name !== 'seed');
    const seeds = varyingNames([...new Set(own.map(({ values }) => values))]).includes('seed') ? ['seed'] : [];
    const told = [...names, ...seeds];
    for (const name of told) counts.set(name, (counts.get(name) ?? 0) + own.length);
    for (const each of own) {
      const number = numbers.get(each.run);
      const params = told.flatMap((name) => {
        const values = each.values.get(name);
        return values === undefined ? [] : [[name, valuesText(values)] as const];
      });
      rows.set(each, {
        ...each.row,
        metric: number?.value ?? null,
        metric_cell: number?.cell ?? '',
        metric_name: number?.metric ?? '',
        params: Object.fromEntries(params),
      });
    }
  }
  const params = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
  return { rows: found.map((each) => rows.get(each) as RunRow), params };
}

function groups(found: readonly IndexedRun[]): Map<string, IndexedRun[]> {
  const all = new Map<string, IndexedRun[]>();
  for (const each of found) {
    const own = all.get(each.experiment);
    if (own === undefined) all.set(each.experiment, [each]);
    else own.push(each);
  }
  return all;
}

/** Those without a value stand last, either way. The given order is the oldest first, and stays among equals. */
function sortRows(rows: readonly RunRow[], sort: string): RunRow[] {
  const down = sort.startsWith('-');
  const column = down ? sort.slice(1) : sort;
  const value = sorters[column] ?? ((row: RunRow) => numberOf(row.params[column.replace(/^param:/, '')]));
  const keyed = rows.map((row) => ({ row, key: value(row) }));
  if (down) keyed.reverse();
  keyed.sort((a, b) => {
    const [x, y] = [a.key ?? '', b.key ?? ''];
    if (x === '' || y === '') return x === y ? 0 : x === '' ? 1 : -1;
    return (down ? -1 : 1) * compare(x, y);
  });
  return keyed.map(({ row }) => row);
}

const sorters: Readonly<Record<string, (row: RunRow) => string | number | null>> = {
  run: ({ experiment, number, run }) => `${experiment}\n${String(number ?? 0).padStart(9, '0')}\n${run}`,
  started: ({ started }) => started,
  status: ({ status_text }) => status_text,
  profile: ({ profile }) => profile,
  cells: ({ measured }) => measured,
  claims: ({ fail, hold }) => fail * 1e6 + hold,
  took: ({ duration_ms }) => duration_ms,
  metric: ({ metric }) => metric,
  changed: ({ overrides }) => overrides,
  tags: ({ tags }) => tags.join(' '),
  note: ({ note }) => note,
  name: ({ label }) => label,
};

const isTime = /^\d{4}-\d\d-\d\dT/;
/** Slow, for it knows languages. */
const order = new Intl.Collator('en', { numeric: true });

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [String(a), String(b)];
  if (isTime.test(x) && isTime.test(y)) return x < y ? -1 : x === y ? 0 : 1;
  return order.compare(x, y);
}

function numberOf(text: string | undefined): string | number | null {
  if (text === undefined) return null;
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
