// The cells as Parquet: hyparquet and, where Python has them, DuckDB, pandas and Polars read what was written, with its types.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { afterAll, describe, expect, test } from 'vitest';
import type { CellsColumn } from '../../formats/arrow/cells-table.ts';
import { encodeCellsParquet } from '../../formats/records/cells-parquet.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-parquet-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const columns: CellsColumn[] = [
  { name: 'method', kind: 'text', values: ['sharp', null, 'größer ✓'] },
  { name: 'rank', kind: 'integer', values: [4, null, 2 ** 53 - 1] },
  { name: 'value', kind: 'number', values: [1.5, null, 1e-300] },
  { name: 'error', kind: 'text', values: [null, null, null] },
];
const file = join(folder, 'cells.parquet');
writeFileSync(file, encodeCellsParquet(columns, { title: 'three cells' }));

describe('a Parquet file of cells', () => {
  test('has text, 64-bit integers and numbers, with nulls', async () => {
    const opened = await asyncBufferFromFile(file);
    const { schema, key_value_metadata, num_rows } = await parquetMetadataAsync(opened);
    expect(num_rows).toBe(3n);
    expect(schema.slice(1).map(({ name, type, repetition_type }) => [name, type, repetition_type])).toEqual([
      ['method', 'BYTE_ARRAY', 'OPTIONAL'],
      ['rank', 'INT64', 'OPTIONAL'],
      ['value', 'DOUBLE', 'OPTIONAL'],
      ['error', 'BYTE_ARRAY', 'OPTIONAL'],
    ]);
    expect(key_value_metadata).toContainEqual({ key: 'title', value: 'three cells' });
    expect(await parquetReadObjects({ file: opened })).toEqual([
      { method: 'sharp', rank: 4n, value: 1.5, error: null },
      { method: null, rank: null, value: null, error: null },
      { method: 'größer ✓', rank: 2n ** 53n - 1n, value: 1e-300, error: null },
    ]);
  });

  test('has equal bytes for equal cells, and can be without rows', async () => {
    expect(encodeCellsParquet(columns, { title: 'a' })).toEqual(encodeCellsParquet(columns, { title: 'a' }));
    const none = join(folder, 'none.parquet');
    writeFileSync(
      none,
      encodeCellsParquet(
        columns.map((column) => ({ ...column, values: [] })),
        {},
      ),
    );
    expect(await parquetReadObjects({ file: await asyncBufferFromFile(none) })).toEqual([]);
  });

  const python = process.env.LAMINA_PYTHON ?? 'python3';
  const readers = {
    duckdb: `import duckdb; print(duckdb.sql("select typeof(method), typeof(rank), typeof(value), rank, value from '${file}' where method = 'sharp'").fetchall())`,
    pandas: `import pandas, pyarrow; df = pandas.read_parquet("${file}"); print(len(df), df["value"].dtype, df["method"][2], int(df["rank"][0]))`,
    polars: `import polars; df = polars.read_parquet("${file}"); print(df.dtypes, df["rank"].to_list())`,
  };
  const seen = {
    duckdb: "[('VARCHAR', 'BIGINT', 'DOUBLE', 4, 1.5)]\n",
    pandas: '3 float64 größer ✓ 4\n',
    polars: '[String, Int64, Float64, String] [4, None, 9007199254740991]\n',
  };
  test.for(Object.keys(readers) as (keyof typeof readers)[])('is read by %s', (name, context) => {
    const lacks = spawnSync(python, ['-c', readers[name].slice(0, readers[name].indexOf(';'))]).status !== 0;
    if (lacks) console.warn(`not run: '${python}' has no ${name}`);
    context.skip(lacks, `'${python}' has no ${name}`);
    const { stdout, stderr } = spawnSync(python, ['-X', 'utf8', '-c', readers[name]], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: seen[name], stderr: '' });
  });
});
