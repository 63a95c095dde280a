// The files of a recovery as they lie there: what type each parameter is stored in, and its codes.
import { type CheckpointReader, openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import type { Codec, Parts } from '../codec/quantize-codec.ts';
import { viewTensors } from './quantized-tensors.ts';

/** Parameters by name, of files that `readRecovery` has checked. */
export interface RecoveryParts {
  /** The type of a float. */
  dtypeOf(name: string): string | undefined;
  codecOf(name: string): Codec | undefined;
  /** The stored arrays of a parameter that has a codec. */
  readParts(name: string): Promise<Parts>;
  close(): Promise<void>;
}

/** Opens the files `paths`. */
export async function openRecoveryParts(paths: readonly string[]): Promise<RecoveryParts> {
  const readers: CheckpointReader[] = [];
  const close = async () => {
    await Promise.all(readers.map((reader) => reader.close()));
  };
  try {
    for (const path of paths) readers.push(await openCheckpoint(path));
    const views = readers.map((reader, i) => viewTensors(reader, paths[i] as string));
    const coded = (name: string) => views.find(({ quantization }) => quantization?.codecs.has(name));
    return {
      dtypeOf: (name) => readers.find(({ tensors }) => tensors.has(name))?.tensors.get(name)?.dtype,
      codecOf: (name) => coded(name)?.quantization?.codecs.get(name),
      readParts: async (name) => coded(name)?.readParts(name) ?? new Map(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
