// Cells as Arrow: read back by apache-arrow's own reader here, and by pyarrow, pandas, Polars and DuckDB in fixtures/read_cells.py.
import { readFileSync, writeFileSync } from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { type CellsRow, writeCellsTable } from '../../formats/arrow/cells-table.ts';
import { fixture, scratchFolder } from './files.ts';

const { path } = scratchFolder();

const none = { paper: null, stderr: null, n: null, key: null, digest: null, error: null };
const rows: CellsRow[] = [
  { ...none, axes: { method: 'original', data: 'arxiv_math' }, metric: 'perplexity', value: 1.5, paper: 3, name: 'a' },
  {
    ...none,
    axes: { method: 'SHARP, "é" 3→4', data: 'x' },
    metric: 'perplexity',
    value: 0.1,
    n: 6574,
    stderr: 0.25,
    key: 'k',
    digest: 'd',
    name: 'b',
  },
  {
    ...none,
    axes: { method: '', data: '<b>' },
    metric: 'perplexity',
    value: null,
    error: "stage 'sft' failed\nbadly",
    name: 'c',
  },
];
const metadata = { experiment: 'table-2', profile: 'tiny' };
const axes = ['method', 'data'];

async function written(name: string, cells: readonly CellsRow[] = rows): Promise<Buffer> {
  await writeCellsTable(path(name), axes, cells, metadata);
  return readFileSync(path(name));
}

describe('cells as an Arrow file', () => {
  test('have a column for each axis, then those of the cell, and nulls where something is missing', async () => {
    const table = tableFromIPC(await written('cells.arrow'));
    expect(table.schema.fields.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'method: Utf8',
      'data: Utf8',
      'metric: Utf8',
      'value: Float64',
      'paper: Float64',
      'stderr: Float64',
      'n: Int64',
      'key: Utf8',
      'digest: Utf8',
      'name: Utf8',
      'error: Utf8',
    ]);
    const read = table.toArray().map((row) => row.toJSON());
    expect(read).toEqual(
      rows.map(({ axes: own, n, ...cell }) => ({ ...own, ...cell, n: n === null ? null : BigInt(n) })),
    );
    expect(Object.fromEntries(table.schema.metadata)).toEqual({ ...metadata, format: 'lamina-cells', version: '1' });
  });

  test('are the same bytes for the same cells', async () => {
    expect(await written('one.arrow')).toEqual(await written('two.arrow'));
  });

  test('may be none', async () => {
    expect(tableFromIPC(await written('none.arrow', [])).numRows).toBe(0);
  });

  test('are read alike by pyarrow, pandas, Polars and DuckDB', async () => {
    const bytes = await written('fixture.arrow');
    if (process.env.UPDATE === '1') writeFileSync(fixture('cells.arrow'), bytes);
    expect(bytes).toEqual(readFileSync(fixture('cells.arrow')));
    const seen = JSON.parse(readFileSync(fixture('cells.json'), 'utf8'));
    const plain = rows.map(({ axes: own, ...cell }) => ({ ...own, ...cell }));
    expect(seen.pyarrow).toEqual(plain);
    expect(seen.pandas).toEqual(plain);
    expect(seen.polars).toEqual(plain);
    expect(seen.duckdb).toEqual([
      ['SHARP, "é" 3→4', 0.1, 6574],
      ['original', 1.5, null],
    ]);
  });
});
