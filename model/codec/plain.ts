import { UserError } from '../../util/errors.ts';
import { embeddingName } from '../architecture/tensors.ts';
import { type Codec, matrixShape, type Parts, packInteger, packNf4 } from './quantize-codec.ts';
import { type IntegerGrid, quantizeInteger } from './quantize-integer.ts';
import { quantizeNf4 } from './quantize-nf4.ts';

/** Rounds `values` to `codec` without data. */
export function quantizePlain(
  name: string,
  codec: Codec,
  shape: readonly number[],
  values: Float32Array,
  arithmetic?: IntegerGrid['arithmetic'],
): Parts {
  checkFinite(name, values);
  if (codec.type === 'nf4') return packNf4(codec, quantizeNf4(values, codec.block_size));
  const [rows, columns] = matrixShape(shape);
  // the embedding is torchao's in every scheme (methods E.1)
  const grid = { ...codec, arithmetic: name === embeddingName ? ('torchao' as const) : arithmetic };
  return packInteger(codec, shape, quantizeInteger(values, rows, columns, grid));
}

/** A matrix with NaN or infinity has no scale. */
export function checkFinite(name: string, values: Float32Array): void {
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad === undefined) return;
  throw new UserError(`tensor '${name}' holds ${bad}, expected finite numbers: it cannot be quantised`);
}
