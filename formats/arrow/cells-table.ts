// The cells of a result as an Arrow IPC file, one row for each: for pandas, Polars, DuckDB and R.
import {
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { ArrowFileWriter } from './writer.ts';

/** One cell; a missing value is null. */
export interface CellsRow {
  axes: Readonly<Record<string, string>>;
  metric: string;
  value: number | null;
  paper: number | null;
  stderr: number | null;
  n: number | null;
  key: string | null;
  digest: string | null;
  name: string;
  error: string | null;
}

const texts = ['metric', 'key', 'digest', 'name', 'error'] as const;
const numbers = ['value', 'paper', 'stderr'] as const;

/**
 * Writes the cells to `path`: a column of text for each axis, then metric, value, paper, stderr, n, key, digest, name and
 * error. Equal rows and metadata give equal bytes. Throws UserError when the file cannot be written.
 */
export async function writeCellsTable(
  path: string,
  axes: readonly string[],
  rows: readonly CellsRow[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const columns: [name: string, vector: Vector][] = [
    ...axes.map((axis) => [axis, textColumn(rows.map((row) => row.axes[axis] ?? null))] as [string, Vector]),
    column('metric', rows),
    ...numbers.map((name) => [name, numberColumn(rows.map((row) => row[name]))] as [string, Vector]),
    [
      'n',
      vectorFromArray(
        rows.map(({ n }) => (n === null ? null : BigInt(Math.round(n)))),
        new Int64(),
      ),
    ],
    ...texts.slice(1).map((name) => column(name, rows)),
  ];
  const fields = columns.map(([name, { type }]) => new Field(name, type, true));
  const schema = new Schema(fields, new Map(Object.entries({ ...metadata, format: 'lamina-cells', version: '1' })));
  const children = columns.map(([, vector]) => vector.data[0] as NonNullable<(typeof vector.data)[0]>);
  const data = makeData({ type: new Struct(fields), length: rows.length, nullCount: 0, children });
  const file = await ArrowFileWriter.open(path, schema);
  await file.write(new RecordBatch(schema, data));
  await file.close();
}

function column(name: (typeof texts)[number], rows: readonly CellsRow[]): [string, Vector] {
  return [name, textColumn(rows.map((row) => row[name]))];
}

function textColumn(values: readonly (string | null)[]): Vector {
  return vectorFromArray(values, new Utf8());
}

function numberColumn(values: readonly (number | null)[]): Vector {
  return vectorFromArray(values, new Float64());
}
