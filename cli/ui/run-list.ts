// What the list of runs answers to a question: filtered, sorted, a page of it, with the columns that tell its runs apart.
import type { RunPage, RunQuery, RunRow } from '../../ui/facts.ts';
import { type MainNumber, mainNumbers } from '../runs/main-number.ts';
import { valuesText, varyingNames } from '../runs/varying.ts';
import type { IndexedRun } from './run-index.ts';

const perPage = 100;

/** `runs`: all that have been read; `all`: how many there are. */
export function runPage(
  { runs, all, strays }: { runs: readonly IndexedRun[]; all: number; strays: readonly string[] },
  query: RunQuery,
): RunPage {
  const found = runs.filter((run) => isMeant(run, query));
  const told = toldOf(found);
  const sorted = sortRuns(found, query.sort, told);
  const pages = Math.max(1, Math.ceil(sorted.length / perPage));
  const page = Math.min(query.page, pages - 1);
  return {
    // of ten thousand runs a hundred rows are made
    rows: sorted.slice(page * perPage, (page + 1) * perPage).map((run) => rowOf(run, told)),
    found: found.length,
    all,
    read: runs.length,
    pages,
    params: told.params,
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

/** What is said of runs beside what each says of itself. */
interface Told {
  numbers: ReadonlyMap<IndexedRun, MainNumber>;
  /** The parameters in which the runs of an experiment differ, by its name. */
  names: ReadonlyMap<string, readonly string[]>;
  params: readonly string[];
}

/** Numbers and parameters are compared within an experiment, among the runs that are meant. */
function toldOf(found: readonly IndexedRun[]): Told {
  const counts = new Map<string, number>();
  const names = new Map<string, readonly string[]>();
  const numbers = new Map<IndexedRun, MainNumber>();
  for (const [experiment, own] of groups(found)) {
    const all = varyingNames([...new Set(own.map(({ values }) => values))]);
    // seeds last: they are told apart by nothing else
    const told = [...all.filter((name) => name !== 'seed'), ...all.filter((name) => name === 'seed')];
    names.set(experiment, told);
    for (const name of told) counts.set(name, (counts.get(name) ?? 0) + own.length);
    const ofRuns = mainNumbers(new Map(own.map((each) => [each.run, each])), undefined);
    for (const each of own) {
      const number = ofRuns.get(each.run);
      if (number !== undefined) numbers.set(each, number);
    }
  }
  const params = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
  return { numbers, names, params };
}

function rowOf(run: IndexedRun, { numbers, names }: Told): RunRow {
  const number = numbers.get(run);
  const params = (names.get(run.experiment) ?? []).flatMap((name) => {
    const values = run.values.get(name);
    return values === undefined ? [] : [[name, valuesText(values)] as const];
  });
  return {
    ...run.row,
    metric: number?.value ?? null,
    metric_cell: number?.cell ?? '',
    metric_name: number?.metric ?? '',
    params: Object.fromEntries(params),
  };
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
function sortRuns(runs: readonly IndexedRun[], sort: string, told: Told): IndexedRun[] {
  const down = sort.startsWith('-');
  const column = down ? sort.slice(1) : sort;
  const keyed = runs.map((run) => ({ run, key: keyOf(run, column, told) ?? '' }));
  if (down) keyed.reverse();
  keyed.sort(({ key: x }, { key: y }) => {
    if (x === '' || y === '') return x === y ? 0 : x === '' ? 1 : -1;
    return (down ? -1 : 1) * compare(x, y);
  });
  return keyed.map(({ run }) => run);
}

function keyOf(run: IndexedRun, column: string, { numbers }: Told): string | number | null {
  if (column === 'metric') return numbers.get(run)?.value ?? null;
  const of = Object.hasOwn(sorters, column) ? sorters[column] : undefined;
  if (of !== undefined) return of(run.row);
  const values = run.values.get(column.replace(/^param:/, ''));
  return values === undefined ? null : numberOf(valuesText(values));
}

const sorters: Readonly<Record<string, (row: IndexedRun['row']) => string | number | null>> = {
  run: ({ experiment, number, run }) => `${experiment}\n${String(number ?? 0).padStart(9, '0')}\n${run}`,
  started: ({ started }) => started,
  status: ({ status_text }) => status_text,
  profile: ({ profile }) => profile,
  cells: ({ measured }) => measured,
  claims: ({ fail, hold }) => fail * 1e6 + hold,
  took: ({ duration_ms }) => duration_ms,
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

function numberOf(text: string): string | number {
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
