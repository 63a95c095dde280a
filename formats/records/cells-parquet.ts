// The cells of a result as a Parquet file, with the columns and types of the Arrow file: for DuckDB, Spark and whatever reads no Arrow.
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { CellsColumn } from '../arrow/cells-table.ts';

const types = { text: 'STRING', integer: 'INT64', number: 'DOUBLE' } as const;

/** The file's bytes: text as strings, integers as INT64, numbers as DOUBLE, all nullable. Equal columns and metadata give equal bytes. */
export function encodeCellsParquet(
  columns: readonly CellsColumn[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const about = { ...metadata, format: 'lamina-cells', version: '2' };
  const buffer = parquetWriteBuffer({
    columnData: columns.map(({ name, kind, values }) => ({
      name,
      type: types[kind],
      nullable: true,
      data:
        kind === 'integer'
          ? values.map((value) => (value === null ? null : BigInt(Math.round(Number(value)))))
          : [...values],
    })),
    kvMetadata: Object.entries(about).map(([key, value]) => ({ key, value })),
  });
  return new Uint8Array(buffer);
}
