// pretrain: a Llama from random weights.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { pretrainedModel } from '../common/expected-facts.ts';
import {
  batchSize,
  curve,
  gradientCheckpointing,
  learningRate,
  maxLength,
  object,
  threads,
  training,
} from '../common/options.ts';
import { pretrainCost } from '../costs/training.ts';

const params = object({
  hidden_size: Type.Integer({ minimum: 8, maximum: 65536 }),
  intermediate_size: Type.Integer({ minimum: 8, maximum: 262144 }),
  layers: Type.Integer({ minimum: 1, maximum: 1024 }),
  heads: Type.Integer({ minimum: 1, maximum: 1024 }),
  kv_heads: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024, description: 'default: heads' })),
  rope_theta: Type.Number({ exclusiveMinimum: 0, default: 10000 }),
  rms_norm_eps: Type.Number({ exclusiveMinimum: 0, default: 1e-5 }),
  tie_word_embeddings: Type.Boolean({ default: true }),
  init_std: Type.Number({
    exclusiveMinimum: 0,
    default: 0.02,
    description: 'standard deviation of the matrices at the start',
  }),
  init_embedding_std: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: 'the same of the token embedding; default: init_std' }),
  ),
  init_residual_std: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description: 'the same of o_proj and down_proj; default: init_std / sqrt(2 layers), as GPT-2',
    }),
  ),
  init_residual_growth: Type.Number({
    exclusiveMinimum: 0,
    default: 1,
    description:
      'factor of init_residual_std from one layer to the next; above 1, deep layers weigh as much as early ones',
  }),
  max_length: maxLength(),
  batch_size: batchSize(64, 'records per optimizer step'),
  steps: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
  lr: learningRate(1e-3),
  ...training({ schedule: 'cosine', weight_decay: 0.1, clip_norm: 1, save_every: 100 }),
  beta1: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.9 }),
  beta2: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.95 }),
  train_on: Type.Enum(['response', 'full'], {
    default: 'full',
    description: 'which tokens are learned',
  }),
  gradient_checkpointing: gradientCheckpointing(),
  threads: threads(1),
});
export type PretrainParams = Static<typeof params>;

export const pretrain = declareStage({
  name: 'pretrain',
  version: 4,
  summary: 'trains a Llama from random weights with AdamW; goes on from its last saved step after a kill',
  params,
  inputs: {
    data: { kind: 'dataset', summary: 'training records' },
    tokenizer: { kind: 'file', summary: 'tokenizer.json' },
  },
  outputs: {
    model: { kind: 'checkpoint', summary: 'the trained model, float32', extension: 'arrow' },
    curve,
  },
  numeric: true,
  seeded: true,
  expect: async (params, { tokenizer }) => pretrainedModel(params, tokenizer),
  cost: pretrainCost,
});
