// Multiples of a quantised matrix without rounding its codes anew: times alpha, and times zero.
import { fromFloat32, tensorBytes, toFloat32 } from '../../formats/tensors/dtype.ts';
import { type Codec, type Parts, partShapes } from './quantize-codec.ts';

/** NF4 with every magnitude times `alpha`: those in 8 bits are linear in their scales and their offset. */
export function scaledParts(parts: Parts, alpha: number): Parts {
  if (alpha === 1) return parts;
  const scaled = parts.has('nested_offset') ? ['nested_absmax', 'nested_offset'] : ['absmax'];
  return new Map(
    [...parts].map(([part, bytes]) => {
      if (!scaled.includes(part)) return [part, bytes];
      return [
        part,
        fromFloat32(
          'F32',
          toFloat32(part, 'F32', bytes.slice()).map((value) => value * alpha),
        ),
      ];
    }),
  );
}

/** A pruned matrix: codes whose value is 0 under any scale. */
export function zeroParts(codec: Codec, shape: readonly number[]): Parts {
  const filling = (part: string) => {
    if (codec.type === 'nf4') return part === 'codes' ? 0x77 : 0;
    return codec.bits === 8 ? 128 : 0x88;
  };
  const isFloat = (part: string) => part === 'scales' || part === 'nested_absmax' || part === 'nested_offset';
  return new Map(
    [...partShapes(codec, shape)].map(([part, { dtype, shape: stored }]) => {
      const bytes = new Uint8Array(tensorBytes(dtype, stored) as number);
      return [part, isFloat(part) || part === 'absmax' ? bytes : bytes.fill(filling(part))];
    }),
  );
}
