// Parameters that several stages share, so that they read and behave the same everywhere.
import type { OutputPort } from '../../contract/stage.ts';
import { inits } from '../../model/methods/method.ts';
import { transformingNames } from '../../model/methods/registry.ts';
import { immediate } from '../../model/sharing/block-map.ts';
import { replacementTypes } from '../../model/sharing/sharing.ts';
import { Type } from '../../schemas/type.ts';

/** A share of something: above 0, at most 1. */
export const fraction = (description: string, value = 1) =>
  Type.Number({ exclusiveMinimum: 0, maximum: 1, default: value, description });

/** Tokens per record; the rest is cut off. */
export const maxLength = () =>
  Type.Integer({ minimum: 8, maximum: 131072, default: 2048, description: 'tokens per record; longer ones are cut' });

/** Records per forward pass; bounds memory, does not change which records are seen. */
export const batchSize = (value: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 65536, default: value, description });

/** Tokens of a pass through a layer: bounds memory; scores of few tokens stay in the processor's cache. */
export const batchTokens = () =>
  Type.Integer({
    minimum: 1,
    maximum: 1048576,
    default: 1024,
    description: 'tokens per forward pass, padding included; a longer record has a pass of its own',
  });

/** Records of such a pass, where they are to be fewer. */
export const recordsAtMost = () =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65536,
      description: 'most records per forward pass; default: as many as batch_tokens hold',
    }),
  );

/** A learning rate. */
export const learningRate = (value: number) =>
  Type.Number({ exclusiveMinimum: 0, maximum: 10, default: value, description: 'peak learning rate' });

/** What both kinds of training share beside the learning rate; each has defaults of its own. */
export const training = (defaults: TrainingDefaults) => ({
  schedule: Type.Enum(['linear', 'cosine', 'constant'], {
    default: defaults.schedule,
    description: 'of the learning rate, after the warm-up',
  }),
  warmup_ratio: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0.05,
    description: 'share of the steps in which the learning rate rises from 0',
  }),
  weight_decay: Type.Number({
    minimum: 0,
    default: defaults.weight_decay,
    description: 'of matrices; norms and scalars do not decay',
  }),
  clip_norm: Type.Number({
    minimum: 0,
    default: defaults.clip_norm,
    description: 'largest norm of the whole gradient; 0 turns it off',
  }),
  save_every: Type.Integer({
    minimum: 1,
    default: defaults.save_every,
    description: 'steps between resumable states',
  }),
});

interface TrainingDefaults {
  schedule: 'linear' | 'cosine' | 'constant';
  weight_decay: number;
  clip_norm: number;
  save_every: number;
}

/** Whether a training computes layers twice to hold less. */
export const gradientCheckpointing = () =>
  Type.Boolean({
    default: false,
    description:
      'keep only the input of each layer for its gradient and compute the layer again: the same numbers in less memory, for about a third more work',
  });

/** The metrics that a training leaves behind. */
export const curve: OutputPort = {
  kind: 'metrics',
  summary: 'loss and learning rate by step',
  extension: 'json',
  fields: ['steps', 'final_loss'],
};

/** CPU threads of the stage; part of the cache key, because sums may round differently with another count. */
export const threads = (value: number) =>
  Type.Integer({ minimum: 1, maximum: 256, default: value, description: 'CPU threads; part of the cache key' });

/** Of a timing. */
export const machine = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 96,
    description:
      'a name for the machine; part of the cache key, so that one store can hold the timings of several (otherwise a timing counts as made, wherever it was)',
  }),
);

/** Which layers share an MLP: a replacement type, or an explicit map that wins over it. */
export const replacement = {
  type: Type.Enum([...replacementTypes], { default: 'T_next', description: 'replacement type (paper, Table 8)' }),
  map: Type.Optional(
    Type.String({ description: "explicit map 'reference:target,target; ...' with 1-based layers; wins over type" }),
  ),
};

/** Which layers run another's whole block, or are left out: MobileLLM's pairs, a replacement type, or an explicit map. */
export const blocks = {
  type: Type.Enum([immediate, ...replacementTypes], {
    default: immediate,
    description: 'immediate: (1:2), (3:4), ... as MobileLLM repeats its blocks; or a replacement type (paper, Table 8)',
  }),
  map: Type.Optional(
    Type.String({
      description: "explicit map 'reference:target,target; ...' with 1-based layers, in any place; wins over type",
    }),
  ),
};

/** The form and the start of the recovery parameters. */
export const candidate = Type.Enum([...transformingNames], {
  default: 'g0',
  description:
    'candidate transformation (paper, eq. 3-6); _plus adds the untransformed reference, _tied has a factor in common between the targets of a reference, lora has no alpha',
});
export const matchRank = Type.Boolean({
  default: false,
  description: "take rank as g0's: each candidate gets the rank at which it has as many parameters",
});
export const init = Type.Enum([...inits], {
  default: 'default',
  description: "how the parameters start; 'default' is the candidate's own",
});

/** An object of parameters that refuses what it does not name. */
export const object = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
