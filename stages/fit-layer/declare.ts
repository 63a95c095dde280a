// fit-layer: one layer is trained to stand in for itself and some layers above it (LLM-Streamline).
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { batchSize, curve, fraction, learningRate, maxLength, object, threads, training } from '../common/options.ts';
import { fitCost } from '../costs/sharing.ts';

const params = object({
  remove: Type.Integer({ minimum: 1, maximum: 4096, description: 'layers to remove: this many and one become one' }),
  start: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'the layer that stays; not given: where the stream is most alike before it and that many layers later',
    }),
  ),
  loss: Type.Enum(['mse', 'lm'], {
    default: 'mse',
    description: 'mse: to what the layers made of the stream; lm: to the text, all tokens',
  }),
  samples: Type.Integer({
    minimum: 1,
    maximum: 4096,
    default: 50,
    description: 'windows on which streams are compared',
  }),
  sample_tokens: Type.Integer({ minimum: 2, maximum: 131072, default: 128, description: 'tokens of a window' }),
  fraction: fraction('share of the records that it is trained on, drawn by the seed'),
  max_length: maxLength(),
  epochs: Type.Integer({ minimum: 1, maximum: 1000, default: 1 }),
  max_steps: Type.Optional(Type.Integer({ minimum: 1, description: 'stop the schedule at this many steps' })),
  batch_size: batchSize(128, 'records per optimizer step'),
  micro_batch: batchSize(8, 'records per forward and backward pass; gradients are accumulated'),
  lr: learningRate(2e-4),
  lr_end: Type.Number({
    minimum: 0,
    maximum: 10,
    default: 5e-5,
    description: 'learning rate at the end of the schedule',
  }),
  ...training({ schedule: 'cosine', weight_decay: 1e-3, clip_norm: 5, save_every: 50 }),
  warmup_ratio: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0,
    description: 'share of the steps in which the learning rate rises',
  }),
  threads: threads(1),
});
export type FitLayerParams = Static<typeof params>;

/** Throws a UserError unless a model of `depth` layers has those that `params` name. */
export function checkPlace({ remove, start = 1 }: FitLayerParams, depth: number): void {
  if (remove >= depth)
    throw new UserError(`'remove' must be at most ${depth - 1} for a model of ${depth} layers, got ${remove}`);
  if (start + remove <= depth) return;
  throw new UserError(
    `'start' must be at most ${depth - remove} where ${remove} of ${depth} layers are removed above it, got ${start}`,
  );
}

export const fitLayerStage = declareStage({
  name: 'fit-layer',
  version: 3,
  summary: 'removes layers in one place, and trains the layer below them to stand in for them',
  reference: 'LLM-Streamline (arXiv 2403.19135), section 3',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    data: { kind: 'dataset', summary: 'training records' },
  },
  outputs: {
    model: { kind: 'checkpoint', summary: 'a model of fewer layers, one of them trained', extension: 'arrow' },
    curve,
  },
  numeric: true,
  seeded: true,
  check({ lr, lr_end }) {
    if (lr_end <= lr) return;
    throw new UserError(`'lr_end' must be at most 'lr', got ${lr_end} and ${lr}`);
  },
  async expect(params, { model }) {
    if (model?.layers === undefined) return undefined;
    checkPlace(params, model.layers);
    if (model.intermediate_sizes !== undefined && params.start === undefined) return undefined;
    const layers = model.layers - params.remove;
    const { start = 1, remove } = params;
    const widths = model.intermediate_sizes && {
      intermediate_sizes: model.intermediate_sizes.filter((_, i) => i < start || i >= start + remove),
    };
    return { ...model, ...widths, layers, stored_layers: layers };
  },
  cost: fitCost,
});
