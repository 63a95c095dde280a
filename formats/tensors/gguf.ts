// GGUF files, version 3 (ggml, docs/gguf.md): metadata, tensor places, and aligned tensors, written in a stream.
import { UserError } from '../../util/errors.ts';
import { createFile } from '../files/output-file.ts';
import { ByteList } from '../text/byte-list.ts';
import { type GgufType, ggufBytes, ggufTypeId } from './gguf-types.ts';

/** One key of the metadata with its type and value. */
export type GgufEntry =
  | readonly [key: string, type: 'uint32' | 'int32' | 'float32', value: number]
  | readonly [key: string, type: 'bool', value: boolean]
  | readonly [key: string, type: 'string', value: string]
  | readonly [key: string, type: 'strings', value: readonly string[]]
  | readonly [key: string, type: 'int32s' | 'float32s', value: readonly number[]];

/** A tensor to be written; `shape` as everywhere in lamina, outermost dimension first. */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgufType;
  readonly shape: readonly number[];
}

/** Writes tensors in the order announced. */
export interface GgufWriter {
  /** The next tensor's bytes, as `encodeGguf` makes them. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  /** Closes the file unfinished. */
  abort(): Promise<void>;
}

/** The format's text allows 64 bytes, but ggml keeps names in 64 bytes with their end and refuses those that fill them. */
const largestName = 63;
const magic = Buffer.from('GGUF');
const alignment = 32;
const typeIds = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, strings: 8, int32s: 5, float32s: 6 } as const;
const arrayId = 9;

/** Creates the file `path`; a UserError for a tensor that the format cannot hold. Equal input gives equal bytes. */
export async function createGguf(
  path: string,
  metadata: readonly GgufEntry[],
  tensors: readonly GgufTensor[],
): Promise<GgufWriter> {
  const sizes = tensors.map((tensor) => checkTensor(path, tensor));
  const header = encodeHeader(metadata, tensors, sizes);
  const file = await createFile(path, 'GGUF file');
  const put = (bytes: Uint8Array) => file.write(bytes, new Uint8Array(paddingOf(bytes.byteLength)));
  await put(header);
  let next = 0;
  const write: GgufWriter['write'] = async (name, bytes) => {
    const [expected, size] = [tensors[next]?.name, sizes[next]];
    if (name !== expected || bytes.byteLength !== size) {
      throw new Error(`expected tensor '${expected}' of ${size} bytes, got '${name}' of ${bytes.byteLength}`);
    }
    next++;
    await put(bytes);
  };
  const close = async () => {
    if (next === tensors.length) return file.finish();
    await file.close();
    throw new Error(`'${path}': ${next} of ${tensors.length} tensors were written`);
  };
  return { write, close, abort: () => file.close() };
}

function checkTensor(path: string, { name, type, shape }: GgufTensor): number {
  const where = `GGUF file '${path}': tensor '${name}'`;
  const length = Buffer.byteLength(name);
  if (length > largestName) {
    throw new UserError(`${where}: expected a name of at most ${largestName} bytes, got ${length}`);
  }
  if (shape.length > 4) throw new UserError(`${where}: expected at most 4 dimensions, got ${shape.length}`);
  const size = ggufBytes(type, shape);
  if (size === undefined) {
    throw new UserError(`${where}: expected rows of a multiple of 32 numbers for ${type}, got ${shape.at(-1)}`);
  }
  return size;
}

function encodeHeader(
  metadata: readonly GgufEntry[],
  tensors: readonly GgufTensor[],
  sizes: readonly number[],
): Uint8Array {
  const bytes = new ByteList();
  bytes.raw(magic).uint32(3).uint64(tensors.length).uint64(metadata.length);
  for (const entry of metadata) encodeEntry(bytes, entry);
  let offset = 0;
  tensors.forEach(({ name, type, shape }, i) => {
    bytes.text(name).uint32(shape.length);
    for (const size of shape.toReversed()) bytes.uint64(size); // the fastest dimension first
    bytes.uint32(ggufTypeId(type)).uint64(offset);
    const size = sizes[i] as number;
    offset += size + paddingOf(size);
  });
  return bytes.joined();
}

function encodeEntry(bytes: ByteList, [key, type, value]: GgufEntry): void {
  bytes.text(key);
  if (typeof value !== 'object') {
    encodeValue(bytes.uint32(typeIds[type]), type, value);
    return;
  }
  bytes.uint32(arrayId).uint32(typeIds[type]).uint64(value.length);
  for (const item of value) encodeValue(bytes, type, item);
}

function encodeValue(bytes: ByteList, type: GgufEntry[1], value: string | number | boolean): void {
  if (typeof value === 'string') bytes.text(value);
  else if (typeof value === 'boolean') bytes.uint8(value ? 1 : 0);
  else if (type.startsWith('float32')) bytes.float32(value);
  else if (type.startsWith('int32')) bytes.int32(value);
  else bytes.uint32(value);
}

function paddingOf(size: number): number {
  return (alignment - (size % alignment)) % alignment;
}
