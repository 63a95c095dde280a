// Which codes ONNX Runtime's operators can hold. Light: planning asks it.
import { UserError } from '../util/errors.ts';
import type { Codec } from './quantize-codec.ts';
import { groupCount } from './quantize-integer.ts';

/** The blocks that MatMulNBits and MatMulBnb4 know in every ONNX Runtime: powers of two. */
const [smallest, largest] = [16, 256] as const;

/** A UserError where no block of an operator lies in the groups of `codec`, those of the matrices or of the embedding. */
export function checkOnnxCodes(codec: Codec, option: 'group_size' | 'embedding_group_size' = 'group_size'): void {
  if (codec.type === 'nf4') {
    if (codec.block_size <= largest) return;
    throw new UserError(
      `ONNX Runtime multiplies with NF4 in blocks of up to ${largest} values, got ${codec.block_size}: quantise with block_size: 64, or export with format: huggingface`,
    );
  }
  if (codec.group_size % smallest === 0) return;
  throw new UserError(
    `ONNX Runtime multiplies with blocks of ${smallest}, 32, 64, 128 or ${largest} columns, which fill no group of ${codec.group_size}: quantise with a '${option}' that ${smallest} divides, or 0`,
  );
}

/**
 * Columns of a block for rows of `columns` in groups of `group_size`, after `checkOnnxCodes`: the largest power of two that
 * fills groups, up to 256, so that several blocks may have the scale of one group.
 */
export function blockSizeOf(group_size: number, columns: number): number {
  const filled = groupCount(group_size, columns) === 1 ? columns : group_size;
  let size = largest as number;
  while (size > smallest && filled % size !== 0) size /= 2;
  return size;
}
