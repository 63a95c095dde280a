// GGUF files read (ggml, docs/gguf.md): the header at once, each tensor when it is asked for, a part at a time.
import { UserError } from '../../util/errors.ts';
import { allocate, openFile, type RandomFile } from '../files/file.ts';
import { toFloat32 } from './dtype.ts';
import { GgufCursor, MoreBytes } from './gguf-cursor.ts';
import { decodeBlocks } from './gguf-decode.ts';
import { type GgufHeader, type GgufPlace, type GgufValue, readGgufHeader } from './gguf-header.ts';
import { ggufBlock, isBlocked } from './gguf-types.ts';

/** An open GGUF file, or all parts of one. */
export interface GgufReader {
  /** The file that was named, or the first of its parts. */
  readonly path: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufPlace>;
  /** The tensor's bytes as they are stored. */
  readBytes(name: string): Promise<Uint8Array>;
  /** The tensor as float32: quantised types by their blocks, bit for bit as gguf's `dequantize`. */
  readFloat32(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

const firstPart = 2 ** 20;
/** The longest vocabularies take about 2^24 bytes. */
const largestHeader = 2 ** 28;
/** Stored bytes that are decoded at a time. */
const decodedAtOnce = 2 ** 22;

/** Opens one file and reads its header; everything wrong with it is a UserError that names the file, and the key or tensor. */
export async function openGguf(path: string): Promise<GgufReader> {
  const file = await openFile(path, 'GGUF file');
  try {
    return ggufReader(file, await readHeader(file));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A header says nowhere how long it is: as much is read as is needed, several times as much each time. */
async function readHeader(file: RandomFile): Promise<GgufHeader> {
  const { path, sizeBytes } = file;
  for (let length = Math.min(firstPart, sizeBytes); ; ) {
    const cursor = new GgufCursor(await file.read(0, length), sizeBytes, `GGUF file '${path}'`);
    try {
      return readGgufHeader(cursor, sizeBytes);
    } catch (error) {
      if (!(error instanceof MoreBytes)) throw error;
      if (error.needed > largestHeader) {
        throw cursor.wrong(`expected a header of at most ${largestHeader} bytes, got one that needs ${error.needed}`);
      }
      length = Math.min(Math.max(error.needed, 4 * length), sizeBytes, largestHeader);
    }
  }
}

function ggufReader(file: RandomFile, { metadata, tensors }: GgufHeader): GgufReader {
  const find = (name: string) => {
    const place = tensors.get(name);
    if (place === undefined) throw new UserError(`GGUF file '${file.path}': no tensor '${name}'`);
    return place;
  };
  const readBytes = (name: string) => file.read(find(name).offset, find(name).byteLength);
  const readFloat32 = async (name: string) => {
    const place = find(name);
    const { type } = place;
    if (isBlocked(type)) return readBlocks(file, place);
    return toFloat32(name, type as 'F32' | 'F16' | 'BF16', await readBytes(name));
  };
  return { path: file.path, metadata, tensors, readBytes, readFloat32, close: () => file.close() };
}

/** Beside the float32 numbers, no more than a part of the stored bytes is in memory. */
async function readBlocks(file: RandomFile, { type, byteLength, offset }: GgufPlace): Promise<Float32Array> {
  const { block, blockBytes } = ggufBlock(type);
  const out = new Float32Array(allocate(file.path, (byteLength / blockBytes) * block * 4).buffer);
  const step = Math.floor(decodedAtOnce / blockBytes) * blockBytes;
  for (let at = 0; at < byteLength; at += step) {
    const part = await file.read(offset + at, Math.min(step, byteLength - at));
    decodeBlocks(type, part, out, (at / blockBytes) * block);
  }
  return out;
}
