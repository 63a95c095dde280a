// Decodes the metadata of Arrow IPC files (footer and record batch messages) into plain data, trusting no length in it.
import { FlatBuffer, FlatError, type FlatTable } from './flat-view.ts';

/** A column: its name and its type in words, such as `utf8`, `int64` or `fixed_size_list<float32>[1024]`. */
export interface ArrowField {
  name: string;
  type: string;
}

/** Where a record batch's message and body lie in the file. */
export interface ArrowBlock {
  offset: number;
  metadataLength: number;
  bodyLength: number;
}

/** An Arrow file's footer. */
export interface ArrowFooter {
  fields: ArrowField[];
  metadata: Record<string, string>;
  blocks: ArrowBlock[];
}

/** A record batch's rows and the place of each of its buffers, relative to the body. */
export interface ArrowBatchLayout {
  rows: number;
  buffers: { offset: number; length: number }[];
}

/** Types nest at most this deep; ours nest once. */
const MAX_DEPTH = 8;

/** Decodes a footer; throws FlatError when it is not one or uses a feature outside the plain subset. */
export function decodeFooter(bytes: Uint8Array): ArrowFooter {
  const buffer = new FlatBuffer(bytes);
  const footer = buffer.root();
  const schema = footer.table(1);
  if (schema === undefined) throw new FlatError('no schema');
  if (schema.i16(0) !== 0) throw new FlatError('big-endian data');
  if (footer.structs(2, 24).length > 0) throw new FlatError('dictionary batches');
  const blocks = footer.structs(3, 24).map((at) => ({
    offset: buffer.size(at),
    metadataLength: buffer.i32(at + 8),
    bodyLength: buffer.size(at + 16),
  }));
  const fields = schema.tables(1).map((field) => ({ name: field.text(0), type: typeName(field, 0) }));
  return { fields, metadata: keyValues(schema.tables(2)), blocks };
}

/** Decodes a record batch message of an uncompressed batch without nulls; its buffers must lie inside the body. */
export function decodeBatch(bytes: Uint8Array, bodyLength: number): ArrowBatchLayout {
  const buffer = new FlatBuffer(bytes);
  const message = buffer.root();
  const batch = message.u8(1) === 3 ? message.table(2) : undefined;
  if (batch === undefined) throw new FlatError('no record batch where the footer says one is');
  if (batch.table(3) !== undefined) throw new FlatError('compressed data');
  if (batch.structs(1, 16).some((at) => buffer.size(at + 8) > 0)) throw new FlatError('null values');
  const buffers = batch.structs(2, 16).map((at) => ({ offset: buffer.size(at), length: buffer.size(at + 8) }));
  const outside = buffers.find(({ offset, length }) => offset + length > bodyLength);
  if (outside) throw new FlatError(`a buffer that ends at ${outside.offset + outside.length} of ${bodyLength}`);
  return { rows: batch.size(0), buffers };
}

function keyValues(pairs: FlatTable[]): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  for (const pair of pairs) values[pair.text(0)] = pair.text(1);
  return values;
}

/** Type numbers of the Arrow format's `Type` union. */
function typeName(field: FlatTable, depth: number): string {
  if (depth > MAX_DEPTH) throw new FlatError('types that nest too deeply');
  const type = field.table(3);
  const child = () => typeName(field.tables(5)[0] ?? field, depth + 1);
  switch (field.u8(2)) {
    case 2:
      return `${type?.u8(1) ? 'int' : 'uint'}${type?.i32(0)}`;
    case 3:
      return ['float16', 'float32', 'float64'][type?.i16(0) ?? -1] ?? 'float';
    case 4:
      return 'binary';
    case 5:
      return 'utf8';
    case 12:
      return `list<${child()}>`;
    case 16:
      return `fixed_size_list<${child()}>[${type?.i32(0)}]`;
    default:
      return `type ${field.u8(2)}`;
  }
}
