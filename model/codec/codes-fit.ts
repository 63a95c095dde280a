// Which codes the formats of exports can hold. Light: planning asks it before anything is quantised.
import { UserError } from '../../util/errors.ts';
import { embeddingName } from '../architecture/tensors.ts';
import { type Quantization, withCodes } from './quantization.ts';
import type { Codec, IntegerCodec } from './quantize-codec.ts';
import { groupCount } from './quantize-integer.ts';

/** What else can be done with a model whose codes fit no safetensors layout. */
export const otherFormats = 'take format: onnx, or dtype: F32 for the same values in float32';

/** The codec of the linear layers; a UserError where no layout of safetensors knows what is quantised. */
export function checkLayoutCodes(quantization: Quantization | undefined): Codec {
  const { scheme, activations, codecs } = withCodes(quantization);
  if (activations !== null) {
    throw new UserError(
      `a model in ${scheme} has no safetensors layout here, because its activations are rounded too: take format: onnx`,
    );
  }
  if (codecs.has(embeddingName)) {
    throw new UserError(
      `the embedding is quantised, which no layout for codes knows: quantise with embedding_bits: 32, or ${otherFormats}`,
    );
  }
  const codec = codecs.values().next().value as Codec;
  if (codec.type === 'integer' && codec.scale_dtype !== 'F16') {
    throw new UserError(
      `the scales are float32, and float16 in AutoGPTQ's layout: quantise with scale_dtype: F16, or ${otherFormats}`,
    );
  }
  return codec;
}

/** A UserError where the codes are none that an adapter can stand beside. */
export function checkAdapterCodes(quantization: Quantization | undefined): void {
  const { scheme, codecs } = withCodes(quantization);
  if ([...codecs].some(([name, { type }]) => name !== embeddingName && type === 'nf4')) return;
  throw new UserError(
    `format: peft with dtype: STORED puts an adapter on NF4, and this model is ${scheme}: quantise with scheme: nf4, or take format: onnx`,
  );
}

/** The blocks that MatMulNBits and MatMulBnb4 know in every ONNX Runtime: powers of two. */
const [smallest, largest] = [16, 256] as const;

/** The quantisation; a UserError where no operator of ONNX Runtime knows its codes. */
export function checkOnnxCodes(quantization: Quantization | undefined): Quantization {
  const known = withCodes(quantization);
  for (const [name, codec] of known.codecs) {
    if (name === embeddingName) checkGroups(integersOf(name, codec).group_size, 'embedding_group_size');
    else if (known.activations !== null) checkRounded(name, codec);
    else if (codec.type === 'nf4') checkNf4(codec.block_size);
    else checkGroups(codec.group_size, 'group_size');
  }
  return known;
}

/** The codec of what is looked up or worked out; `quantize` writes integers there. */
export function integersOf(name: string, codec: Codec): IntegerCodec {
  if (codec.type === 'integer') return codec;
  throw new UserError(`'${name}' is in ${codec.type}, expected integers: export with dtype: F32`);
}

/** DequantizeLinear takes groups of any size. */
function checkRounded(name: string, codec: Codec): void {
  if (codec.type === 'integer' && codec.bits === 4 && codec.symmetric) return;
  throw new UserError(
    `the inputs of '${name}' are rounded to int8, expected symmetric integers of 4 bits for it: export with dtype: F32`,
  );
}

function checkNf4(block_size: number): void {
  if (block_size <= largest) return;
  throw new UserError(
    `ONNX Runtime knows NF4 in blocks of up to ${largest} values, got ${block_size}: quantise with block_size: 64, or export with format: huggingface`,
  );
}

function checkGroups(group_size: number, option: string): void {
  if (group_size % smallest === 0) return;
  throw new UserError(
    `ONNX Runtime multiplies with blocks of ${smallest}, 32, 64, 128 or ${largest} columns, which fill no group of ${group_size}: quantise with '${option}' 0 or a multiple of ${smallest}, or export with dtype: F32`,
  );
}

/**
 * Columns of a block for rows of `columns` in groups of `group_size`, after `checkOnnxCodes`: the largest power of two that
 * fills groups, up to 256, so that several blocks may have the scale of one group.
 */
export function blockSizeOf(group_size: number, columns: number): number {
  const filled = groupCount(group_size, columns) === 1 ? columns : group_size;
  let size: number = largest;
  while (size > smallest && filled % size !== 0) size /= 2;
  return size;
}
