// sft: supervised fine-tuning of all recovery parameters together.
import { declareStage } from '../../contract/define.ts';
import { checkExits, parseExits } from '../../model/exits/exit-layers.ts';
import { exitWeightings } from '../../model/exits/exit-losses.ts';
import type { ParallelLayers } from '../../model/sharing/parallel-layers.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { sameRecovery } from '../common/expected-facts.ts';
import {
  batchSize,
  curve,
  fraction,
  gradientCheckpointing,
  learningRate,
  maxLength,
  object,
  threads,
  training,
} from '../common/options.ts';
import { sftCost } from '../costs/training.ts';

const params = object({
  fraction: fraction('share of the records, drawn by the seed'),
  max_length: maxLength(),
  epochs: Type.Integer({ minimum: 1, maximum: 1000, default: 2 }),
  max_steps: Type.Optional(Type.Integer({ minimum: 1, description: 'stop the schedule at this many steps' })),
  batch_size: batchSize(128, 'records per optimizer step'),
  micro_batch: batchSize(8, 'records per forward and backward pass; gradients are accumulated'),
  lr: learningRate(2e-5),
  ...training({ schedule: 'linear', weight_decay: 0, clip_norm: 0, save_every: 50 }),
  gradient_checkpointing: gradientCheckpointing(),
  exits: Type.Optional(
    Type.String({
      description:
        "layers such as '4,6,8' after which the model is trained to stop: their losses count beside the last layer's, through the same norm and head",
    }),
  ),
  exit_weights: Type.Optional(
    Type.Enum([...exitWeightings], {
      description:
        'of the losses, by their order, the last layer at the end: uniform (default, LITE), linear 1, 2, 3, ... (CALM), geometric 1, 2, 4, ...; their sum is 1',
    }),
  ),
  threads: threads(1),
});

export const sft = declareStage({
  name: 'sft',
  version: 6,
  summary: 'trains the recovery parameters of all target layers on the language-model loss; the model is frozen',
  reference: 'SHARP (arXiv 2502.07832), section 2.3; open-instruct for what the paper leaves open',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model, frozen' },
    recovery: { kind: 'recovery', summary: 'the map and where its parameters start' },
    data: { kind: 'dataset', summary: 'training records' },
  },
  outputs: {
    recovery: { kind: 'recovery', summary: 'the trained parameters', extension: 'arrow' },
    curve,
  },
  numeric: true,
  seeded: true,
  check({ exits, exit_weights }) {
    if (exits !== undefined) parseExits(exits, "'exits'");
    else if (exit_weights !== undefined) {
      throw new UserError("'exit_weights' weighs the losses at 'exits': name the layers with 'exits', or leave it out");
    }
  },
  async expect({ exits }, { model, recovery }) {
    if (exits !== undefined && model?.layers !== undefined) {
      checkExits(
        parseExits(exits, "'exits'"),
        model.layers,
        "'exits'",
        recovery?.parallel as ParallelLayers | undefined,
      );
    }
    return sameRecovery(recovery);
  },
  cost: sftCost,
});
