// safetensors: u64 little-endian header length, JSON header, tensor bytes (https://github.com/huggingface/safetensors).
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { openFile, type RandomFile } from '../files/file.ts';
import { createFile } from '../files/output-file.ts';
import { isRecord, parseStrictJson } from '../text/strict-json.ts';
import { decodeText } from '../text/text.ts';
import { DTYPES, isDtype, tensorBytes, toFloat32 } from './dtype.ts';
import type { TensorEntry, TensorReader } from './tensor-reader.ts';

/** The limit of the format's own library. */
const MAX_HEADER_BYTES = 100_000_000;

/** What is to be done about a file whose header and data do not fit together. */
const copyAgain = 'copy or download the file again';

/** An open safetensors file; `metadata` is its `__metadata__`. */
export interface SafetensorsReader extends TensorReader {
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes tensors in the order announced; each is on its way to the disk when `write` resolves. */
export interface SafetensorsWriter {
  /** The next tensor's little-endian bytes. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  /** Closes the file unfinished; no reader accepts it. */
  abort(): Promise<void>;
}

type Placed = TensorEntry & { begin: number; end: number };

/** Opens the file `path` and reads its header; everything wrong with it is a UserError that names file and tensor. */
export async function openSafetensors(path: string): Promise<SafetensorsReader> {
  const file = await openFile(path, 'safetensors file');
  try {
    const where = `safetensors file '${path}'`;
    const { header, dataStart } = await readHeader(file, where);
    const { __metadata__ = {}, ...rest } = header;
    const placed = Object.entries(rest).map(([name, value]) => parseEntry(where, name, value));
    checkRanges(where, placed, file.sizeBytes - dataStart, file.sizeBytes);
    return safetensorsReader(file, parseMetadata(where, __metadata__), placed, dataStart);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Creates the file `path` for tensors of the given names, types and shapes; equal input gives equal bytes. */
export async function createSafetensors(
  path: string,
  tensors: readonly Omit<TensorEntry, 'byteLength'>[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<SafetensorsWriter> {
  const sizes = tensors.map(({ dtype, shape }) => tensorBytes(dtype, shape) ?? Number.NaN);
  const header = encodeHeader(tensors, sizes, metadata);
  const file = await createFile(path, 'safetensors file');
  await file.write(...header);
  let next = 0;
  const write: SafetensorsWriter['write'] = async (name, bytes) => {
    const [expected, size] = [tensors[next]?.name, sizes[next]];
    if (name !== expected || bytes.byteLength !== size) {
      throw new Error(`expected tensor '${expected}' of ${size} bytes, got '${name}' of ${bytes.byteLength}`);
    }
    next++;
    await file.write(bytes);
  };
  const close = async () => {
    if (next === tensors.length) return file.finish();
    await file.close();
    throw new Error(`'${path}': ${next} of ${tensors.length} tensors were written`);
  };
  return { write, close, abort: () => file.close() };
}

async function readHeader(file: RandomFile, where: string) {
  const size = file.sizeBytes;
  if (size < 8) throw new UserError(`${where}: expected a header length of 8 bytes, got a file of ${size} bytes`);
  const length = Number(new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    const want = `expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}`;
    throw new UserError(`${where}: ${want}, so it is a file of another kind; ${copyAgain}`);
  }
  if (8 + length > size) {
    throw new UserError(
      `${where} is cut short: expected a header of ${length} bytes, got a file of ${size} bytes; ${copyAgain}`,
    );
  }
  const header = parseStrictJson(decodeText(await file.read(8, length), `${where}: header`), where, 4);
  if (!isRecord(header)) throw new UserError(`${where}: expected a JSON object as header`);
  return { header, dataStart: 8 + length };
}

function parseMetadata(where: string, value: unknown): Record<string, string> {
  if (isRecord(value) && Object.values(value).every((text) => typeof text === 'string')) {
    return value as Record<string, string>;
  }
  throw new UserError(`${where}: expected '__metadata__' to hold strings`);
}

function parseEntry(where: string, name: string, value: unknown): Placed {
  const { dtype, shape, data_offsets } = isRecord(value) ? value : {};
  if (!isDtype(dtype)) {
    const hint = /^F[48]/.test(String(dtype)) ? ', in which only quantised weights are stored' : '';
    throw new UserError(
      `${where}: tensor '${name}': expected a dtype of ${DTYPES.join(', ')}, got ${shown(dtype)}${hint}`,
    );
  }
  const byteLength = isSizes(shape) ? tensorBytes(dtype, shape) : undefined;
  if (!isSizes(shape) || byteLength === undefined) {
    throw new UserError(`${where}: tensor '${name}': expected a shape of sizes, got ${shown(shape)}`);
  }
  const [begin, end] = isSizes(data_offsets) && data_offsets.length === 2 ? data_offsets : [];
  if (begin === undefined || end === undefined || begin > end) {
    throw new UserError(
      `${where}: tensor '${name}': expected data_offsets of begin and end, got ${shown(data_offsets)}`,
    );
  }
  if (end - begin !== byteLength) {
    throw new UserError(
      `${where}: tensor '${name}': expected ${byteLength} bytes for ${dtype} of [${shape.join(', ')}], got ${end - begin}; ${copyAgain}`,
    );
  }
  return { name, dtype, shape, byteLength, begin, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** The tensors must fill the data without holes or overlaps, as the format demands. */
function checkRanges(where: string, placed: readonly Placed[], dataBytes: number, sizeBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of [...placed].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at) {
      const fault = begin < at ? 'overlaps the tensor before it' : `leaves ${begin - at} bytes before it unused`;
      throw new UserError(
        `${where}: tensor '${name}': expected its data to begin at ${at}, got ${begin}, which ${fault}`,
      );
    }
    at = end;
  }
  if (at === dataBytes) return;
  const expected = sizeBytes - dataBytes + at;
  const fault = at > dataBytes ? 'is cut short' : 'has bytes that belong to no tensor';
  throw new UserError(`${where} ${fault}: expected ${expected} bytes, got ${sizeBytes}; ${copyAgain}`);
}

function safetensorsReader(
  file: RandomFile,
  metadata: Record<string, string>,
  placed: readonly Placed[],
  dataStart: number,
): SafetensorsReader {
  const places = new Map(placed.map((tensor) => [tensor.name, tensor]));
  const find = (name: string) => {
    const tensor = places.get(name);
    if (tensor === undefined) throw new UserError(`safetensors file '${file.path}': no tensor '${name}'`);
    return tensor;
  };
  const readBytes = (name: string) => file.read(dataStart + find(name).begin, find(name).byteLength);
  return {
    metadata,
    tensors: new Map(placed.map(({ begin: _b, end: _e, ...entry }) => [entry.name, entry])),
    readBytes,
    readFloat32: async (name) => toFloat32(name, find(name).dtype, await readBytes(name)),
    location: (name) => ({ path: file.path, offset: dataStart + find(name).begin, length: find(name).byteLength }),
    close: () => file.close(),
  };
}

/** Length and header, padded with spaces so that the data begins at a multiple of 8, as the format's own library does. */
function encodeHeader(
  tensors: readonly Omit<TensorEntry, 'byteLength'>[],
  sizes: readonly number[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array[] {
  const parts: string[] = [];
  if (Object.keys(metadata).length > 0) parts.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let at = 0;
  for (const [i, { name, dtype, shape }] of tensors.entries()) {
    const end = at + (sizes[i] as number);
    parts.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [at, end] })}`);
    at = end;
  }
  const text = new TextEncoder().encode(`{${parts.join(',')}}`);
  const header = new Uint8Array(Math.ceil(text.byteLength / 8) * 8).fill(0x20);
  header.set(text);
  return [new Uint8Array(BigUint64Array.of(BigInt(header.byteLength)).buffer), header];
}
