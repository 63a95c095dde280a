// slw: single layer warm-up, one unit per (reference, target) pair.
import { declareStage } from '../../contract/define.ts';
import { initOf, methodNamed } from '../../model/methods/registry.ts';
import { pairs } from '../../model/sharing/sharing.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { captureUnit } from '../capture-activations/declare.ts';
import { sharedRecovery } from '../common/expected-facts.ts';
import { candidate, init, learningRate, matchRank, object, replacement, threads } from '../common/options.ts';
import { rankParam } from '../common/rank.ts';
import { recoveryWarnings } from '../common/rank-warnings.ts';
import { knownSizes, layersOf, rankIn, rankOf, replacementOf } from '../common/replacement.ts';
import { slwCost } from '../costs/training.ts';

const params = object({
  ...replacement,
  candidate,
  rank: rankParam('scaled', 'rank of AB'),
  match_rank: matchRank,
  init,
  lr: learningRate(1e-3),
  epochs: Type.Integer({ minimum: 1, maximum: 10_000, default: 5 }),
  batch_tokens: Type.Integer({ minimum: 1, default: 1024, description: 'activations (tokens) per step of Adam' }),
  granularity: Type.Enum(['mlp', 'projection'], {
    default: 'mlp',
    description: 'one loss at the output of the MLP, or one at each projection',
  }),
  threads: threads(1),
});
export const slw = declareStage({
  name: 'slw',
  version: 4,
  summary: "fits one target layer's recovery parameters to the output of its original MLP",
  reference: 'SHARP (arXiv 2502.07832), section 2.3 and eq. 2 (with g applied to the reference layer)',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    activations: { kind: 'activations', summary: 'inputs of the MLPs of the target layers' },
  },
  outputs: { recovery: { kind: 'recovery', summary: 'the fitted parameters of one pair', extension: 'arrow' } },
  numeric: true,
  seeded: true,
  check({ candidate }) {
    if (methodNamed(candidate).grouped === undefined) return;
    throw new UserError(
      `candidate '${candidate}' has parameters that several targets have in common, which slw cannot fit one pair at a time, expected another candidate here, or share and then sft`,
    );
  },
  units(given, inputs) {
    const { type: _type, map: _map, match_rank: _match, ...rest } = given;
    const rank = (reference: number) =>
      given.match_rank ? rankOf(given, knownSizes(inputs.model), reference) : rankIn(given.rank, inputs.model);
    const init = initOf(given.candidate, given.init);
    return pairs(replacementOf(given, layersOf(inputs.model))).map(({ reference, target }) => ({
      name: `${reference}→${target}`,
      params: { ...rest, init, rank: rank(reference), reference, target },
      needs: { activations: [captureUnit(target)] },
    }));
  },
  expect: async (params, inputs) => sharedRecovery(params, inputs.model),
  warn: (params, inputs) => recoveryWarnings(params, inputs.model),
  cost: (query) => slwCost(query), // not by its name alone: then it would have to take the stage's own parameters too
});
