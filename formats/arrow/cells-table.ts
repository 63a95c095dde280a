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

/** One column; a missing value is null. */
export interface CellsColumn {
  name: string;
  kind: 'text' | 'integer' | 'number';
  values: readonly (string | number | null)[];
}

/**
 * Writes the columns, all of one length, to `path`: text as Utf8, integers as Int64, numbers as Float64. Equal columns and metadata give equal
 * bytes. Throws UserError when the file cannot be written.
 */
export async function writeCellsTable(
  path: string,
  columns: readonly CellsColumn[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const vectors = columns.map(vectorOf);
  const fields = columns.map(({ name }, i) => new Field(name, (vectors[i] as Vector).type, true));
  const schema = new Schema(fields, new Map(Object.entries({ ...metadata, format: 'lamina-cells', version: '2' })));
  const children = vectors.map((vector) => vector.data[0] as NonNullable<(typeof vector.data)[0]>);
  const length = columns[0]?.values.length ?? 0;
  const data = makeData({ type: new Struct(fields), length, nullCount: 0, children });
  const file = await ArrowFileWriter.open(path, schema);
  await file.write(new RecordBatch(schema, data));
  await file.close();
}

function vectorOf({ kind, values }: CellsColumn): Vector {
  if (kind === 'text') return vectorFromArray(values, new Utf8());
  if (kind === 'number') return vectorFromArray(values, new Float64());
  return vectorFromArray(
    values.map((value) => (value === null ? null : BigInt(Math.round(Number(value))))),
    new Int64(),
  );
}
