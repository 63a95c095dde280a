// Arrays by name that both sides read from one safetensors file.
import type { Dtype } from '../../formats/tensors/dtype.ts';
import { createSafetensors, openSafetensors } from '../../formats/tensors/safetensors.ts';
import type { Random } from '../../util/random.ts';

/** Values of one shape, row-major. */
export interface NamedArray {
  dtype: Dtype;
  shape: number[];
  values: Float32Array | Int32Array;
}

/** Numbers below `limit`, drawn. */
export function randomIntegers(shape: number[], limit: number, random: Random): NamedArray {
  return integers(
    shape,
    Int32Array.from({ length: sizeOf(shape) }, () => random.below(limit)),
  );
}

/** Normal numbers, drawn. */
export function randomNormals(shape: number[], random: Random): NamedArray {
  return floats(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );
}

/** Whole numbers. */
export function integers(shape: number[], values: Int32Array): NamedArray {
  return { dtype: 'I32', shape, values };
}

/** Float32 numbers. */
export function floats(shape: number[], values: Float32Array): NamedArray {
  return { dtype: 'F32', shape, values };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Writes `arrays` to `path`. */
export async function writeArrays(path: string, arrays: ReadonlyMap<string, NamedArray>): Promise<void> {
  const entries = [...arrays].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const writer = await createSafetensors(path, entries);
  for (const [name, { values }] of arrays) {
    await writer.write(name, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  await writer.close();
}

/** The whole numbers of array `name`. */
export async function readIntegers(path: string, name: string): Promise<Int32Array> {
  const reader = await openSafetensors(path);
  try {
    return new Int32Array((await reader.readBytes(name)).slice().buffer);
  } finally {
    await reader.close();
  }
}
