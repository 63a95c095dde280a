// What every file of named tensors offers its readers, whatever its format.
import type { Dtype } from './dtype.ts';

/** One stored tensor; `shape` is row-major, outermost dimension first. */
export interface TensorEntry {
  name: string;
  dtype: Dtype;
  shape: number[];
  byteLength: number;
}

/** Where a tensor's bytes lie, for programs that read them in place. */
export interface TensorLocation {
  path: string;
  offset: number;
  length: number;
}

/** Named tensors in one or several files; opening reads names and shapes, not values. */
export interface TensorReader {
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The tensor's little-endian bytes. */
  readBytes(name: string): Promise<Uint8Array>;
  /** The tensor as float32; F16, BF16 and F64 are converted, integers refused. */
  readFloat32(name: string): Promise<Float32Array>;
  /** Where the bytes lie, or undefined when they are not in one piece. */
  location(name: string): TensorLocation | undefined;
  close(): Promise<void>;
}
