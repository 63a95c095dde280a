// prune-layers: the MLPs of some layers contribute nothing any more (the baseline LayerPruning).
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { deepestLayers, printedLayers } from '../../model/measure/layer-choice.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { parseLayers } from '../../model/sharing/sharing-parse.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { object, replacement } from '../common/options.ts';
import { replacementOf } from '../common/replacement.ts';
import { untrainedCost } from '../costs/checkpoints.ts';

const params = object({
  layers: Type.Optional(
    Type.String({ description: "explicit list of 1-based layers, '17-30' or '3,5,7-9'; wins over choose" }),
  ),
  choose: Type.Enum(['targets', 'T_ori', 'angular', 'block_influence', 'mlp_similarity', 'deepest'], {
    default: 'targets',
    description:
      'targets: those of the replacement type; T_ori: 17-30 of 32 layers as the paper prints, otherwise angular; angular: the consecutive layers of least angular distance; block_influence, mlp_similarity: the layers that do least; deepest: the last ones without the very last',
  }),
  ...replacement,
  count: Type.Optional(
    Type.Integer({ minimum: 1, description: 'how many; not given: as many as the replacement type has targets' }),
  ),
});
export type PruneLayersParams = Static<typeof params>;

/** What decides which layers: the layers themselves, or the scores that have to be asked. */
export type Choice = { layers: number[] } | { scorer: 'angular' | 'block_influence' | 'mlp_similarity'; count: number };

/** What `params` mean for a model of `depth` layers; a UserError when they cannot be met. */
export function choiceOf(params: PruneLayersParams, depth: number): Choice {
  if (params.layers !== undefined) return { layers: parseLayers(params.layers, depth) };
  const { choose } = params;
  const printed = consecutive(printedLayers.first, printedLayers.last);
  if (choose === 'T_ori' && depth === printedLayers.depth && (params.count ?? printed.length) === printed.length) {
    return { layers: printed };
  }
  const targets = replacementOf(params, depth).flatMap((group) => group.targets);
  if (choose === 'targets') return { layers: targets };
  const count = params.count ?? targets.length;
  const most = choose === 'deepest' ? depth - 1 : depth;
  if (count > most) {
    throw new UserError(`'count' must be at most ${most} for ${choose} in a model of ${depth} layers, got ${count}`);
  }
  if (choose === 'deepest') return { layers: deepestLayers(depth, count) };
  return { scorer: choose === 'T_ori' ? 'angular' : choose, count };
}

export const pruneLayers = declareStage({
  name: 'prune-layers',
  version: 2,
  summary: 'removes the MLPs of some layers, whose attention stays; without training',
  reference:
    'SHARP (arXiv 2502.07832), section 3.1 and appendix C.4: LayerPruning after Gromov et al. (arXiv 2403.17887); block influence: arXiv 2403.03853; MLP similarity: arXiv 2406.15786',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    scores: { kind: 'metrics', summary: 'of layer-similarity, where layers are chosen by scores', optional: true },
  },
  outputs: { recovery: { kind: 'recovery', summary: 'which layers lost their MLPs', extension: 'arrow' } },
  numeric: false,
  seeded: false,
  async expect(params, { model }) {
    if (model?.layers === undefined) return undefined;
    const choice = choiceOf(params, model.layers);
    if ('scorer' in choice) return { targets: choice.count, recovery_parameters: 0 };
    const { layers } = choice;
    return { targets: layers.length, recovery_parameters: 0, pruned: layers, first_replaced: Math.min(...layers) };
  },
  cost: untrainedCost,
});
