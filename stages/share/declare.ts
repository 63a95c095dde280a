// share: the replacement map with recovery parameters at their start; rank 0 is Direct Sharing.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { initOf } from '../../model/methods/registry.ts';
import { Type } from '../../schemas/type.ts';
import { sharedRecovery } from '../common/expected-facts.ts';
import { candidate, init, matchRank, object, replacement, threads } from '../common/options.ts';
import { rankParam } from '../common/rank.ts';
import { recoveryWarnings } from '../common/rank-warnings.ts';
import { untrainedCost } from '../costs/checkpoints.ts';

const params = object({
  ...replacement,
  anywhere: Type.Optional(
    Type.Boolean({
      description: 'with map: targets need not follow their reference, and the first and last layer may be among them',
    }),
  ),
  candidate,
  rank: rankParam(0, '0: no recovery parameters, Direct Sharing', 0),
  match_rank: matchRank,
  init,
  threads: threads(1),
});
export type ShareParams = Static<typeof params>;

export const share = declareStage({
  name: 'share',
  version: 3,
  summary: 'lets target layers use the MLP of their reference layer, without training',
  reference: 'SHARP (arXiv 2502.07832), section 2.2; Direct Sharing after MobileLLM (arXiv 2402.14905)',
  params,
  inputs: { model: { kind: 'checkpoint', summary: 'the original model' } },
  outputs: { recovery: { kind: 'recovery', summary: 'the map and its untrained parameters', extension: 'arrow' } },
  numeric: true,
  seeded: true,
  async expect(params, inputs) {
    if (params.rank !== 0) initOf(params.candidate, params.init);
    return sharedRecovery(params, inputs.model);
  },
  warn: (params, inputs) => recoveryWarnings(params, inputs.model),
  cost: untrainedCost,
});
