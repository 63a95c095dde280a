// train-exit-classifier: what says of a state that the layers above would not change the token, as CALM trains it.
import { declareStage } from '../../contract/define.ts';
import { classifierLosses, classifierVariants } from '../../model/exits/classifier-losses.ts';
import { checkExits } from '../../model/exits/exit-layers.ts';
import type { ParallelLayers } from '../../model/sharing/parallel-layers.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { batchSize, curve, fraction, learningRate, maxLength, object, threads, training } from '../common/options.ts';
import { exitClassifierCost } from '../costs/training.ts';

const params = object({
  loss: Type.Enum([...classifierLosses], {
    default: 'independent',
    description:
      'independent: at each exit the binary cross-entropy of "the last layer says the same token", averaged over exits; geometric: that of the depth at which a token stops, the first exit that says it',
  }),
  variant: Type.Enum([...classifierVariants], {
    default: 'paper',
    description:
      "where paper and code differ; released: of independent, tokens of both answers weigh alike at each exit of a step; of geometric, the last layer's state is classified too and the depths' shares are divided by their sum",
  }),
  fraction: fraction('share of the records, drawn by the seed'),
  max_length: maxLength(),
  epochs: Type.Integer({ minimum: 1, maximum: 1000, default: 1 }),
  max_steps: Type.Optional(Type.Integer({ minimum: 1, description: 'stop the schedule at this many steps' })),
  batch_size: batchSize(8, 'records per optimizer step'),
  micro_batch: batchSize(8, 'records per forward pass; gradients are accumulated'),
  lr: learningRate(1e-3),
  ...training({ schedule: 'constant', weight_decay: 0, clip_norm: 0, save_every: 50 }),
  threads: threads(1),
});

/** Throws a UserError unless a model of `depth` layers has all of `exits`, and one at least. */
export function checkClassified(exits: readonly number[], depth: number, parallel?: ParallelLayers): void {
  if (exits.length === 0) {
    throw new UserError(
      "input 'exit' describes no exits, expected one with layers to train a classifier for: that of stage 'early-exit'",
    );
  }
  checkExits(exits, depth, "input 'exit'", parallel);
}

export const trainExitClassifierStage = declareStage({
  name: 'train-exit-classifier',
  version: 1,
  summary:
    'trains the classifier of early exit: one linear function of the state after any exit; the model and its recovery parameters are frozen',
  reference:
    'CALM (arXiv 2207.07061), section 3, and its code (google-research/t5x@cc342d4, t5x/contrib/calm/models.py): loss_fn_meta_cls, loss_fn_meta_cls_geom_like',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model, frozen' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters, frozen', optional: true },
    exit: {
      kind: 'exit',
      summary: 'of early-exit: the layers after which tokens may stop, and all but the confidence',
    },
    data: { kind: 'dataset', summary: 'records, whose answers are looked at' },
  },
  outputs: {
    exit: { kind: 'exit', summary: 'what came in, asking the classifier', extension: 'arrow' },
    curve,
  },
  numeric: true,
  seeded: true,
  async expect(_params, { model, recovery, exit }) {
    const { exits } = exit ?? {};
    if (exits === undefined || model?.layers === undefined) return undefined;
    checkClassified(exits, model.layers, recovery?.parallel as ParallelLayers | undefined);
    return { exits, confidence: 'classifier' };
  },
  cost: exitClassifierCost,
});
