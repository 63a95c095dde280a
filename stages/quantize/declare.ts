// quantize: a model in fewer bits, and the bytes that it takes.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import type { QuantizeFacts } from '../../contract/facts.ts';
import { schemes } from '../../model/quantize/plan.ts';
import { Type } from '../../schemas/type.ts';
import { sameRecovery } from '../common/expected-facts.ts';
import { batchSize, object, threads } from '../common/options.ts';
import { quantizeCost } from '../costs/checkpoints.ts';

const params = object({
  scheme: Type.Enum([...schemes], {
    default: '8da4w',
    description:
      'float: nothing is rounded; rtn: round to nearest; 8da4w: 4-bit weights, and activations in int8 when the model runs; nf4; gptq: rounding that makes up for its errors on data; 8da4w-gptq: 8da4w with such weights',
  }),
  bits: Type.Enum([4, 8], { default: 4, description: 'of a weight in rtn and gptq; the others have 4' }),
  symmetric: Type.Boolean({ default: true, description: 'rtn and gptq: no zero point is stored; 8da4w has none' }),
  group_size: Type.Integer({
    minimum: 0,
    maximum: 65536,
    default: 128,
    description: 'columns of a row that share a scale; 0: all; 8da4w wants one that divides them; not for nf4',
  }),
  scale_dtype: Type.Enum(['F32', 'F16'], {
    default: 'F32',
    description: "rtn and gptq: type of the scales; F16 for files in AutoGPTQ's layout ('export' with dtype: STORED)",
  }),
  block_size: Type.Enum([32, 64, 128, 256, 512, 1024, 2048, 4096], {
    default: 64,
    description: 'nf4: values that share a magnitude',
  }),
  double_quant: Type.Boolean({ default: true, description: 'nf4: the magnitudes are quantised too' }),
  head: Type.Optional(
    Type.Boolean({
      description: 'quantise the output head too; not given: with 8da4w. A tied head is as the embedding is',
    }),
  ),
  embedding_bits: Type.Enum([32, 8, 4], { default: 32, description: 'of the token embedding; 32: as dtype says' }),
  embedding_group_size: Type.Integer({
    minimum: 0,
    maximum: 65536,
    default: 0,
    description: 'columns of the embedding that share a scale; 0: all',
  }),
  recovery_bits: Type.Enum([32, 16, 8, 4], {
    default: 32,
    description: 'of the recovery parameters: floats of 32 or 16 bits, or integers with a scale for each row',
  }),
  dtype: Type.Enum(['F32', 'F16', 'BF16'], { default: 'F32', description: 'of everything that is not quantised' }),
  act_order: Type.Boolean({ default: false, description: 'gptq: round the columns with the largest inputs first' }),
  damping: Type.Number({
    exclusiveMinimum: 0,
    maximum: 1,
    default: 0.01,
    description: "gptq: added to the second moments' diagonal, as a share of its mean",
  }),
  block_columns: Type.Integer({
    minimum: 1,
    maximum: 65536,
    default: 128,
    description: 'gptq: columns between two updates of all that follow',
  }),
  samples: Type.Integer({ minimum: 1, maximum: 4096, default: 128, description: 'gptq: windows of text' }),
  sample_tokens: Type.Integer({ minimum: 2, maximum: 131072, default: 2048, description: 'gptq: tokens of a window' }),
  batch_size: batchSize(8, 'gptq: windows per forward pass'),
  threads: threads(1),
});
export type QuantizeParams = Static<typeof params>;

/** The parameters that decide which codes there will be, for stages that can read only some. */
function settingsOf(params: QuantizeParams): QuantizeFacts {
  const { scheme, bits, symmetric, group_size, scale_dtype, block_size, double_quant } = params;
  const { embedding_bits, embedding_group_size } = params;
  const ofLayers = { scheme, bits, symmetric, group_size, scale_dtype, block_size, double_quant };
  return { ...ofLayers, embedding_bits, embedding_group_size };
}

export const quantize = declareStage({
  name: 'quantize',
  version: 2,
  summary: 'stores a model in 4 or 8 bits a weight, each shared matrix once, and counts its bytes',
  reference:
    '8da4w: torchao; nf4: QLoRA (arXiv 2305.14314) and bitsandbytes; gptq: arXiv 2210.17323; SHARP (arXiv 2502.07832), Table 7',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
    data: { kind: 'dataset', summary: 'gptq: the text that inputs are taken from', optional: true },
  },
  outputs: {
    model: {
      kind: 'checkpoint',
      summary:
        'the quantised model; MLPs that `recovery` replaces are not stored, so that without it this is Direct Sharing',
      extension: 'arrow',
    },
    recovery: {
      kind: 'recovery',
      summary: 'the recovery that belongs to it, in `recovery_bits`; empty where none came in',
      extension: 'arrow',
    },
    size: {
      kind: 'metrics',
      summary:
        'bytes of this very model and recovery: unique_bytes has each tensor once, expanded_bytes every layer its own (both in 10^6 bytes as unique_mb and expanded_mb), by_kind.mlp and so on, file_bytes of the files; bits_per_weight of the quantised ones',
      extension: 'json',
    },
  },
  numeric: true,
  seeded: true,
  expect: async (params, { model, recovery }) =>
    model && { ...model, ...(sameRecovery(recovery) ?? { recovery_parameters: 0 }), quantize: settingsOf(params) },
  cost: quantizeCost,
});
