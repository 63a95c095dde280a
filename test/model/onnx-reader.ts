// Reads the initialisers of an ONNX model and of the data file beside it, by onnx.proto's field numbers.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

export interface Initializer {
  readonly name: string;
  /** TensorProto.DataType. */
  readonly type: number;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** The initialisers of `folder`'s model.onnx by name, and how often each operator stands in the graph. */
export async function readOnnx(
  folder: string,
): Promise<{ initializers: Map<string, Initializer>; operators: Map<string, number> }> {
  const data = await readFile(join(folder, 'model.onnx.data'));
  const [graph = new Uint8Array()] = fieldsOf(await readFile(join(folder, 'model.onnx')), 7);
  const initializers = fieldsOf(graph, 5).map((tensor) => initializer(tensor, data));
  const operators = new Map<string, number>();
  for (const node of fieldsOf(graph, 1)) {
    const [op = ''] = textsOf(node, 4);
    operators.set(op, (operators.get(op) ?? 0) + 1);
  }
  return { initializers: new Map(initializers.map((each) => [each.name, each])), operators };
}

function initializer(tensor: Uint8Array, data: Uint8Array): Initializer {
  const place = new Map(fieldsOf(tensor, 13).map((entry) => [textsOf(entry, 1)[0], textsOf(entry, 2)[0]]));
  const [offset, length] = [Number(place.get('offset')), Number(place.get('length'))];
  const [raw] = fieldsOf(tensor, 9);
  return {
    name: textsOf(tensor, 8)[0] ?? '',
    type: numbersOf(tensor, 2)[0] ?? 0,
    dims: numbersOf(tensor, 1),
    bytes: raw ?? data.subarray(offset, offset + length),
  };
}

const textsOf = (message: Uint8Array, field: number) =>
  fieldsOf(message, field).map((bytes) => new TextDecoder().decode(bytes));

/** The contents of a length-delimited field. */
function fieldsOf(message: Uint8Array, field: number): Uint8Array[] {
  return walk(message, (reader, number, type) =>
    number === field && type === WireType.LengthDelimited ? reader.bytes() : undefined,
  );
}

function numbersOf(message: Uint8Array, field: number): number[] {
  return walk(message, (reader, number, type) =>
    number === field && type === WireType.Varint ? Number(reader.int64()) : undefined,
  );
}

function walk<T>(
  message: Uint8Array,
  take: (reader: BinaryReader, field: number, type: WireType) => T | undefined,
): T[] {
  const reader = new BinaryReader(message);
  const found: T[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const value = take(reader, field, type);
    if (value === undefined) reader.skip(type, field);
    else found.push(value);
  }
  return found;
}
