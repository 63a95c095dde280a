// train-routers: the routers of MLPs that are cut into experts learn which experts serve a token best.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import type { RouterTerms } from '../../model/train/routers.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { sameRecovery } from '../common/expected-facts.ts';
import { batchSize, curve, fraction, learningRate, maxLength, object, threads, training } from '../common/options.ts';
import { routersCost } from '../costs/experts.ts';

const weight = (value: number, description: string) => Type.Number({ minimum: 0, default: value, description });

const params = object({
  router: Type.Enum(['intended', 'released'], {
    default: 'intended',
    description:
      "intended: the loss of the text, the divergence from the experts that are nearest to the whole MLP, and the balance; released: the text's alone, as the release's training_step returns it, in which no router has a slope",
  }),
  router_weight: weight(0.05, 'of intended: factor of the divergence'),
  balance_weight: weight(0.01, 'of intended: factor of the balance'),
  fraction: fraction('share of the records, drawn by the seed'),
  max_length: maxLength(),
  epochs: Type.Integer({ minimum: 1, maximum: 1000, default: 1 }),
  max_steps: Type.Optional(Type.Integer({ minimum: 1, description: 'stop the schedule at this many steps' })),
  batch_size: batchSize(8, 'records per optimizer step'),
  micro_batch: batchSize(8, 'records per forward pass; gradients are accumulated'),
  lr: learningRate(4e-5),
  ...training({ schedule: 'cosine', weight_decay: 1e-5, clip_norm: 1, save_every: 50 }),
  threads: threads(1),
});
type TrainRoutersParams = Static<typeof params>;

/** The factors of the two terms beside the loss of the text. */
export function termsOf({ router, router_weight, balance_weight }: TrainRoutersParams): RouterTerms {
  if (router === 'released') return { router_weight: 0, balance_weight: 0 };
  return { router_weight, balance_weight };
}

export const trainRoutersStage = declareStage({
  name: 'train-routers',
  version: 1,
  summary: 'trains the routers of MLPs that are cut into experts; the model and its recovery parameters are frozen',
  reference:
    'FactorLLM (arXiv 2408.11855), section 3; its release (zhenwuweihe/FactorLLM@8094dc4, train.py and new_model_KD.py) for the loss and all settings',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model, frozen' },
    recovery: { kind: 'recovery', summary: 'of split-experts: the routers, and what else is replaced' },
    data: { kind: 'dataset', summary: 'records, whose every token is looked at' },
  },
  outputs: {
    recovery: { kind: 'recovery', summary: 'what came in, with the trained routers', extension: 'arrow' },
    curve,
  },
  numeric: true,
  seeded: true,
  async expect(_params, { recovery }) {
    checkRouted(recovery);
    return sameRecovery(recovery);
  },
  cost: routersCost,
});

/** Throws a UserError for a recovery of which it is known that it has no routers. */
function checkRouted(recovery: { readonly first_replaced?: number; readonly routing?: unknown } | undefined): void {
  if (recovery?.first_replaced === undefined || recovery.routing !== undefined) return;
  throw new UserError(
    "input 'recovery' has no routers to train: expected the recovery of stage 'split-experts', or of one after it",
  );
}
