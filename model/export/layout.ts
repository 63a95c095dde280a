// How other programs keep a matrix in codes: what a layout for codes has to say.
import type { Dtype } from '../../formats/tensors/dtype.ts';
import type { Codec, Parts } from '../codec/quantize-codec.ts';

/** One array of a layout; its bytes follow from a matrix's parts. */
export interface LayoutPart {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  bytes(parts: Parts): Uint8Array;
}

/** A layout of matrices in codec C, in a folder of safetensors. */
export interface CodeLayout<C extends Codec> {
  /** The arrays of a matrix: `name` is that of its weight, `shape` [rows, columns]; a UserError where the layout cannot hold it. */
  arrays(name: string, codec: C, shape: readonly number[]): LayoutPart[];
  /** `quantization_config` of config.json; `head`: the output head has codes too. */
  config(codec: C, head: boolean): object;
  /** True where the same stands in quantize_config.json as well. */
  readonly has_own_config: boolean;
}
