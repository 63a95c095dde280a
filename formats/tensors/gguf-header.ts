// What stands before the tensors of a GGUF file (ggml, docs/gguf.md): metadata by key, and where each tensor lies.
import { type GgufCursor, type GgufNumber, ggufNumberBytes } from './gguf-cursor.ts';
import {
  type GgufStoredType,
  ggufBlock,
  ggufBytes,
  ggufStoredTypes,
  ggufTypeOf,
  unreadGgufType,
} from './gguf-types.ts';

/** A value of the metadata. */
export type GgufValue = string | number | boolean | readonly GgufValue[];

/** One tensor; `shape` as everywhere in lamina, outermost dimension first. */
export interface GgufPlace {
  readonly name: string;
  readonly type: GgufStoredType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** From the beginning of the file. */
  readonly offset: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufPlace>;
}

const magic = 0x46554747; // 'GGUF'
const mostEntries = 2 ** 16;
const mostItems = 2 ** 24;
const mostTensors = 2 ** 16;
const deepest = 4;
const largestAlignment = 2 ** 20;
/** ggml's numbers of the types of values. */
const numberTypes: Readonly<Record<number, GgufNumber>> = {
  ...{ 0: 'uint8', 1: 'int8', 2: 'uint16', 3: 'int16', 4: 'uint32', 5: 'int32', 6: 'float32' },
  ...{ 10: 'uint64', 11: 'int64', 12: 'float64' },
};
const [boolId, textId, arrayId] = [7, 8, 9];

/** Reads the header of a file of `sizeBytes`; a UserError for one that no program could have meant. */
export function readGgufHeader(cursor: GgufCursor, sizeBytes: number): GgufHeader {
  if (cursor.number('uint32') !== magic) throw cursor.wrong("expected a GGUF file, which begins with 'GGUF'");
  checkVersion(cursor, cursor.number('uint32'));
  const tensorCount = cursor.count(24, mostTensors, 'tensors');
  const entryCount = cursor.count(13, mostEntries, 'keys');
  const metadata = readMetadata(cursor, entryCount);
  const alignment = alignmentOf(cursor, metadata.get('general.alignment') ?? 32);
  const places = Array.from({ length: tensorCount }, () => readPlace(cursor));
  return { metadata, tensors: placed(cursor, places, { alignment, sizeBytes }) };
}

function checkVersion(cursor: GgufCursor, version: number): void {
  if (version === 2 || version === 3) return;
  if (version % 2 ** 16 === 0) throw cursor.wrong('the file is big-endian: take the little-endian one of this model');
  const way = version === 1 ? ': convert the model again with a newer program' : '';
  throw cursor.wrong(`expected version 2 or 3, got ${version}${way}`);
}

function readMetadata(cursor: GgufCursor, count: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    cursor.what = `key ${i + 1} of its metadata`;
    const key = cursor.text();
    cursor.what = `key '${key.slice(0, 100)}' of its metadata`;
    if (metadata.has(key)) throw cursor.wrong('it stands twice');
    metadata.set(key, readValue(cursor, cursor.number('uint32'), 0));
  }
  return metadata;
}

function readValue(cursor: GgufCursor, type: number, depth: number): GgufValue {
  if (type === textId) return cursor.text();
  if (type === boolId) return readBool(cursor);
  const number = numberTypes[type];
  if (number !== undefined) return cursor.number(number);
  if (type !== arrayId) throw cursor.wrong(`its type has the number ${type}, which GGUF does not have`);
  if (depth === deepest) throw cursor.wrong(`it has arrays in more than ${deepest} others`);
  const of = cursor.number('uint32');
  const items = cursor.count(leastBytes(of), mostItems, 'items');
  const values: GgufValue[] = [];
  for (let i = 0; i < items; i++) values.push(readValue(cursor, of, depth + 1));
  return values;
}

function readBool(cursor: GgufCursor): boolean {
  const value = cursor.number('uint8');
  if (value > 1) throw cursor.wrong(`expected 0 or 1 for false or true, got ${value}`);
  return value === 1;
}

/** A text has at least its length, an array its type and its length. */
function leastBytes(type: number): number {
  const number = numberTypes[type];
  return number !== undefined ? ggufNumberBytes(number) : type === textId ? 8 : type === arrayId ? 12 : 1;
}

/** As ggml has it: a power of two. */
function alignmentOf(cursor: GgufCursor, value: GgufValue): number {
  const good =
    typeof value === 'number' && value >= 1 && value <= largestAlignment && Number.isInteger(Math.log2(value));
  if (good) return value;
  cursor.what = "key 'general.alignment' of its metadata";
  throw cursor.wrong(`expected a power of two from 1 to ${largestAlignment}, got ${String(value).slice(0, 60)}`);
}

/** A tensor as the header says it; `offset` from where the tensors begin. */
function readPlace(cursor: GgufCursor): GgufPlace {
  cursor.what = 'its list of tensors';
  const name = cursor.text();
  cursor.what = `tensor '${name.slice(0, 100)}'`;
  const dimensions = cursor.number('uint32');
  if (dimensions < 1 || dimensions > 4) throw cursor.wrong(`expected 1 to 4 dimensions, got ${dimensions}`);
  const shape = Array.from({ length: dimensions }, () => cursor.number('uint64')).reverse(); // the fastest is first there
  const id = cursor.number('uint32');
  const offset = cursor.number('uint64');
  const type = ggufTypeOf(id);
  if (type === undefined) {
    const read = ggufStoredTypes.join(', ');
    throw cursor.wrong(
      `expected a type that lamina reads (${read}), got ${unreadGgufType(id)}: take a file of another type`,
    );
  }
  const size = shape.reduce((a, b) => a * b, 1);
  const byteLength = shape.every((n) => n >= 1) && Number.isSafeInteger(size) ? ggufBytes(type, shape) : undefined;
  if (byteLength !== undefined) return { name, type, shape, byteLength, offset };
  const { block } = ggufBlock(type);
  const rows = block > 1 ? ` with rows of a multiple of ${block} numbers for ${type}` : '';
  throw cursor.wrong(`expected a shape of sizes${rows}, got [${shape.join(', ')}]`);
}

/** Checks that the tensors lie one behind the other, as ggml demands, and within the file. */
function placed(
  cursor: GgufCursor,
  places: readonly GgufPlace[],
  { alignment, sizeBytes }: { alignment: number; sizeBytes: number },
): Map<string, GgufPlace> {
  const aligned = (offset: number) => Math.ceil(offset / alignment) * alignment;
  const start = aligned(cursor.at);
  const found = new Map<string, GgufPlace>();
  let next = 0;
  for (const place of places) {
    const { name, byteLength } = place;
    cursor.what = `tensor '${name.slice(0, 100)}'`;
    if (found.has(name)) throw cursor.wrong('it stands twice');
    if (place.offset !== next) {
      throw cursor.wrong(`expected its data at ${next}, behind those of the tensor before it, got ${place.offset}`);
    }
    const offset = start + next;
    if (offset + byteLength > sizeBytes) {
      throw cursor.wrong(
        `expected ${byteLength} bytes at ${offset}, got a file of ${sizeBytes} bytes; copy or download the file again`,
      );
    }
    found.set(name, { ...place, offset });
    next = aligned(next + byteLength);
  }
  return found;
}
