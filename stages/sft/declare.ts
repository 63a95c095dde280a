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
  distill: Type.Optional(
    object({
      weight: Type.Number({
        exclusiveMinimum: 0,
        default: 1,
        description: "factor of temperature^2 KL(teacher's || model's distribution) beside the text's loss",
      }),
      temperature: Type.Number({
        exclusiveMinimum: 0,
        maximum: 1000,
        default: 1,
        description: 'by which the logits of both are divided first',
      }),
    }),
  ),
  threads: threads(1),
});

export const sft = declareStage({
  name: 'sft',
  version: 6,
  summary: 'trains the recovery parameters of all target layers on the language-model loss; the model is frozen',
  reference:
    'SHARP (arXiv 2502.07832), section 2.3; open-instruct for what the paper leaves open; distill: relaxed recursive transformers (arXiv 2410.20672), section 3, and arXiv 1503.02531',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model, frozen' },
    recovery: { kind: 'recovery', summary: 'the map and where its parameters start' },
    teacher: {
      kind: 'checkpoint',
      summary: 'with distill: the model to come near, frozen, of the same vocabulary: the original',
      optional: true,
    },
    data: { kind: 'dataset', summary: 'training records' },
  },
  outputs: {
    recovery: { kind: 'recovery', summary: 'the trained parameters', extension: 'arrow' },
    curve,
  },
  numeric: true,
  seeded: true,
  check({ exits, exit_weights, distill }, inputs) {
    if (exits !== undefined) parseExits(exits, "'exits'");
    else if (exit_weights !== undefined) {
      throw new UserError("'exit_weights' weighs the losses at 'exits': name the layers with 'exits', or leave it out");
    }
    checkDistilled(distill !== undefined, inputs.has('teacher'), exits !== undefined);
  },
  async expect({ exits }, { model, recovery, teacher }) {
    checkTeacher(model?.vocab_size, teacher?.vocab_size);
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

/** Throws UserError for vocabularies that are known to differ. */
export function checkTeacher(own: number | undefined, teacher: number | undefined): void {
  if (own === undefined || teacher === undefined || own === teacher) return;
  throw new UserError(
    `input 'teacher' has ${teacher} tokens and input 'model' ${own}: expected a teacher of the same vocabulary, such as the original`,
  );
}

function checkDistilled(isAsked: boolean, hasTeacher: boolean, hasExits: boolean): void {
  if (isAsked && hasExits) {
    throw new UserError("'exits' and 'distill' are two losses that are not combined: leave one of them out");
  }
  if (isAsked === hasTeacher) return;
  throw new UserError(
    isAsked
      ? "distill needs input 'teacher': join it to the model to come near, such as the original"
      : "input 'teacher' is of distill, expected 'distill: { weight: 1, temperature: 1 }' beside it, or no teacher",
  );
}
