// Cells as Arrow: read back by apache-arrow's own reader here, and by pyarrow, pandas, Polars and DuckDB in fixtures/read_cells.py.
import { readFileSync, writeFileSync } from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { type CellsColumn, writeCellsTable } from '../../formats/arrow/cells-table.ts';
import { fixture, scratchFolder } from './files.ts';

const { path } = scratchFolder();

const columns: CellsColumn[] = [
  { name: 'method', kind: 'text', values: ['original', 'SHARP, "é" 3→4', ''] },
  { name: 'rank', kind: 'integer', values: [4, -16, null] },
  { name: 'lr', kind: 'number', values: [0.001, 0.5, 3] },
  { name: 's', kind: 'number', values: [null, 0.62, null] },
  { name: 'metric', kind: 'text', values: ['perplexity', 'perplexity', 'perplexity'] },
  { name: 'value', kind: 'number', values: [1.5, 0.1, null] },
  { name: 'stderr', kind: 'number', values: [null, 0.25, null] },
  { name: 'n', kind: 'integer', values: [null, 6574, null] },
  { name: 'error', kind: 'text', values: [null, null, "stage 'sft' failed\nbadly"] },
];
const rows = [0, 1, 2].map((row) => Object.fromEntries(columns.map(({ name, values }) => [name, values[row]])));
const metadata = { experiment: 'table-2', profile: 'tiny' };

async function written(name: string, cells: readonly CellsColumn[] = columns): Promise<Buffer> {
  await writeCellsTable(path(name), cells, metadata);
  return readFileSync(path(name));
}

describe('cells as an Arrow file', () => {
  test('have typed columns, and nulls where something is missing', async () => {
    const table = tableFromIPC(await written('cells.arrow'));
    expect(table.schema.fields.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'method: Utf8',
      'rank: Int64',
      'lr: Float64',
      's: Float64',
      'metric: Utf8',
      'value: Float64',
      'stderr: Float64',
      'n: Int64',
      'error: Utf8',
    ]);
    const whole = (value: unknown) => (typeof value === 'number' ? BigInt(value) : value);
    const read = table.toArray().map((row) => row.toJSON());
    expect(read).toEqual(rows.map((row) => ({ ...row, rank: whole(row.rank), n: whole(row.n) })));
    expect(Object.fromEntries(table.schema.metadata)).toEqual({ ...metadata, format: 'lamina-cells', version: '2' });
  });

  test('are the same bytes for the same cells', async () => {
    expect(await written('one.arrow')).toEqual(await written('two.arrow'));
  });

  test('may be none', async () => {
    expect(
      tableFromIPC(
        await written(
          'none.arrow',
          columns.map((column) => ({ ...column, values: [] })),
        ),
      ).numRows,
    ).toBe(0);
  });

  test('are read alike by pyarrow, pandas, Polars and DuckDB', async () => {
    const bytes = await written('fixture.arrow');
    if (process.env.UPDATE === '1') writeFileSync(fixture('cells.arrow'), bytes);
    expect(bytes).toEqual(readFileSync(fixture('cells.arrow')));
    const seen = JSON.parse(readFileSync(fixture('cells.json'), 'utf8'));
    expect(seen.pyarrow).toEqual(rows);
    expect(seen.pandas).toEqual(rows);
    expect(seen.polars).toEqual(rows);
    expect(seen.duckdb).toEqual([
      ['SHARP, "é" 3→4', 0.1, -16],
      ['original', 1.5, 4],
    ]);
  });
});
