// The tensors of a file, quantised ones as float32: what the rest of lamina reads a quantised checkpoint or recovery through.
import type { CheckpointReader, CheckpointWriter } from '../../formats/tensors/checkpoint.ts';
import { dtypeBytes, fromFloat32, toFloat32 } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import { parseQuantization, type Quantization, quantizationKey } from '../codec/quantization.ts';
import { type Codec, decode, type Parts, partShapes } from '../codec/quantize-codec.ts';

/** How much smaller than in float32 any file is that lamina writes; generous. */
const largestExpansion = 64;

/** Tensors by name, whatever they are stored as. */
export interface TensorView {
  readonly quantization: Quantization | undefined;
  /** Type and shape of tensor `name`, which should have `shape`; undefined when it is not there. Quantised ones are F32. */
  entry(name: string, shape: readonly number[]): { dtype: 'F32' | StoredDtype; shape: readonly number[] } | undefined;
  readBytes(name: string, shape: readonly number[]): Promise<Uint8Array>;
  readFloat32(name: string, shape: readonly number[]): Promise<Float32Array>;
  /** Rows of matrix `name`; of one that is not stored as floats all are made at once, and held by the reader that is returned. */
  openRows(name: string, shape: readonly number[]): Promise<RowReader>;
  /** The stored arrays of a quantised tensor. */
  readParts(name: string): Promise<Parts>;
}

/** Reads `count` rows of a matrix from row `first` (from 0) on, as float32. */
export type RowReader = (first: number, count: number) => Promise<Float32Array>;

type StoredDtype =
  CheckpointReader['tensors'] extends ReadonlyMap<string, infer Entry>
    ? Entry extends { dtype: infer D }
      ? D
      : never
    : never;

/** The tensors of the open file at `path`; a quantised tensor whose parts do not fit its shape is a UserError before it is read. */
export function viewTensors(reader: CheckpointReader, path: string): TensorView {
  const quantization = parseQuantization(reader.metadata[quantizationKey], path);
  const codecOf = (name: string) => quantization?.codecs.get(name);
  const isAbsent = (name: string) => quantization?.absent.has(name) === true;
  const readParts = async (name: string) => {
    const parts = new Map<string, Uint8Array>();
    for (const part of partsOf(reader, name)) parts.set(part, await reader.readBytes(`${name}.${part}`));
    return parts;
  };
  const readFloat32 = async (name: string, shape: readonly number[]) => {
    const codec = codecOf(name);
    if (isAbsent(name)) return new Float32Array(shape.reduce((a, b) => a * b, 1));
    return codec === undefined ? reader.readFloat32(name) : decode(codec, shape, await readParts(name));
  };
  return {
    quantization,
    entry(name, shape) {
      const codec = codecOf(name);
      if (codec !== undefined) checkParts(reader, path, name, codec, shape);
      if (isAbsent(name)) checkAbsent(reader, path, name, shape);
      if (codec !== undefined || isAbsent(name)) return { dtype: 'F32', shape };
      return reader.tensors.get(name);
    },
    async readBytes(name, shape) {
      if (codecOf(name) === undefined && !isAbsent(name)) return reader.readBytes(name);
      return fromFloat32('F32', await readFloat32(name, shape));
    },
    readFloat32,
    async openRows(name, shape) {
      const width = shape.slice(1).reduce((a, b) => a * b, 1);
      if (codecOf(name) !== undefined || isAbsent(name)) {
        const all = await readFloat32(name, shape);
        return async (first, count) => all.subarray(first * width, (first + count) * width);
      }
      const { dtype } = reader.tensors.get(name) as { dtype: StoredDtype };
      const rowBytes = width * dtypeBytes(dtype);
      return async (first, count) =>
        toFloat32(name, dtype, await reader.readRange(name, first * rowBytes, count * rowBytes));
    },
    readParts,
  };
}

/** Appends the parts of a quantised tensor. */
export async function writeParts(
  writer: CheckpointWriter,
  name: string,
  codec: Codec,
  shape: readonly number[],
  parts: Parts,
): Promise<void> {
  for (const [part, { dtype, shape: stored }] of partShapes(codec, shape)) {
    await writer.write(`${name}.${part}`, dtype, stored, parts.get(part) as Uint8Array);
  }
}

function partsOf(reader: CheckpointReader, name: string): string[] {
  const known = ['codes', 'scales', 'zeros', 'absmax', 'nested_absmax', 'nested_offset'];
  return known.filter((part) => reader.tensors.has(`${name}.${part}`));
}

/** A tensor that takes no bytes must not take much memory either: no more than its neighbours could be expanded to. */
function checkAbsent(reader: CheckpointReader, path: string, name: string, shape: readonly number[]): void {
  const stored = [...reader.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (4 * shape.reduce((a, b) => a * b, 1) <= largestExpansion * stored) return;
  throw new UserError(`'${path}': tensor '${name}' of [${shape.join(', ')}] is not stored and too large for this file`);
}

function checkParts(
  reader: CheckpointReader,
  path: string,
  name: string,
  codec: Codec,
  shape: readonly number[],
): void {
  for (const [part, expected] of partShapes(codec, shape)) {
    const found = reader.tensors.get(`${name}.${part}`);
    if (found?.dtype === expected.dtype && found.shape.join() === expected.shape.join()) continue;
    const got = found ? `${found.dtype} [${found.shape.join(', ')}]` : 'nothing';
    throw new UserError(
      `'${path}': part '${part}' of tensor '${name}': expected ${expected.dtype} [${expected.shape.join(', ')}], got ${got}`,
    );
  }
}
