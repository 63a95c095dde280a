import type { Dtype } from '../../formats/tensors/dtype.ts';
import type { Codec, Parts } from '../codec/quantize-codec.ts';

/** One array of a layout; its bytes follow from a matrix's parts. */
export interface LayoutPart {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  bytes(parts: Parts): Uint8Array;
}

/** A matrix in a layout: `name` is that of its weight, `shape` [rows, columns]; a UserError where the layout cannot hold it. */
export type Layout<C extends Codec> = (name: string, codec: C, shape: readonly number[]) => LayoutPart[];
