// planned-size: the bytes that a known model would take, shared and quantised, from its shape alone.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { immediate } from '../../model/sharing/block-map.ts';
import { replacementTypes } from '../../model/sharing/sharing.ts';
import { Type } from '../../schemas/type.ts';
import { candidate, object } from '../common/options.ts';
import { lookingCost } from '../costs/copying.ts';

const params = object({
  model: Type.String({
    default: 'meta-llama/Llama-2-7b-hf',
    description: 'a model whose shape lamina knows, by its name on the hub',
  }),
  layers: Type.Enum(['own', 'share_mlps', 'share_blocks', 'drop_blocks'], {
    default: 'own',
    description:
      'own: every layer as it is; share_mlps: as share; share_blocks, drop_blocks: as the stages of these names',
  }),
  type: Type.Enum([immediate, ...replacementTypes], {
    default: 'T_next',
    description: 'which layers: a replacement type (paper, Table 8), or immediate where blocks are shared or dropped',
  }),
  map: Type.Optional(Type.String({ description: "explicit map 'reference:target,target; ...'; wins over type" })),
  candidate,
  rank: Type.Integer({ minimum: 0, default: 0, description: 'of the recovery parameters of share_mlps; 0: none' }),
  recovery_bits: Type.Enum([32, 16, 8, 4], { default: 32, description: 'of a recovery parameter, without scales' }),
  scheme: Type.Enum(['float', 'rtn', '8da4w', 'nf4'], { default: '8da4w', description: 'as in quantize' }),
  group_size: Type.Integer({ minimum: 0, maximum: 65536, default: 128, description: 'columns that share a scale' }),
  dtype: Type.Enum(['F32', 'F16', 'BF16'], { default: 'F32', description: 'of everything that is not quantised' }),
});
export type PlannedSizeParams = Static<typeof params>;

export const plannedSize = declareStage({
  name: 'planned-size',
  version: 1,
  summary: 'counts the bytes that a known model would take when it is shared and quantised, without its weights',
  reference: 'SHARP (arXiv 2502.07832), Table 7; docs/latency.md',
  params,
  inputs: {},
  outputs: {
    metrics: {
      kind: 'metrics',
      summary: 'bytes with each stored tensor once, the same in 10^9 bytes, and as a share of the unshared model',
      extension: 'json',
      fields: ['bytes', 'gb', 'ratio', 'original_bytes'],
    },
  },
  numeric: false,
  seeded: false,
  cost: lookingCost,
});
