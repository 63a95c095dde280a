// split-experts: MLPs are cut into experts, of which a router chooses some for each token.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { checkActive, checkWidths, mostExperts, type Routing, routerParameters } from '../../model/sharing/routing.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { parseLayers } from '../../model/sharing/sharing-parse.ts';
import { Type } from '../../schemas/type.ts';
import { firstReplacedWith, sameRecovery } from '../common/expected-facts.ts';
import { object } from '../common/options.ts';
import { sizesOf } from '../common/replacement.ts';
import { splitCost } from '../costs/experts.ts';

const params = object({
  layers: Type.String({ default: 'all', description: "which layers: 'all', or a list such as '3-16,18'" }),
  experts: Type.Integer({
    minimum: 1,
    maximum: mostExperts,
    default: 4,
    description: 'experts of a layer: runs of as many neighbouring channels each; they must divide its MLP width',
  }),
  active: Type.Integer({
    minimum: 1,
    maximum: mostExperts,
    default: 2,
    description: 'experts that a token passes; what they make is multiplied with experts / active',
  }),
});
export type SplitExpertsParams = Static<typeof params>;

/** What `params` mean for a model of `depth` layers. */
export function routingOf({ layers, experts, active }: SplitExpertsParams, depth: number): Routing {
  return { layers: layers === 'all' ? consecutive(1, depth) : parseLayers(layers, depth), experts, active };
}

export const splitExperts = declareStage({
  name: 'split-experts',
  version: 1,
  summary:
    'cuts MLPs into experts, of which each token passes those that a linear router chooses; the router starts at random',
  reference: 'FactorLLM (arXiv 2408.11855), section 3, and its code (zhenwuweihe/FactorLLM@8094dc4, new_model_KD.py)',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'what is replaced already; it stays as it is', optional: true },
  },
  outputs: {
    recovery: { kind: 'recovery', summary: 'what came in, and the routers', extension: 'arrow' },
    metrics: {
      kind: 'metrics',
      summary:
        'layers that are cut, experts and how many of them a token passes; numbers of all routers; operations of a token through all matrices but the embedding, with its experts alone and in the original model, and their ratio',
      extension: 'json',
      fields: [
        'layers',
        'experts',
        'active',
        'router_parameters',
        'operations_per_token',
        'original_operations_per_token',
        'operations_ratio',
      ],
    },
  },
  numeric: false,
  seeded: true,
  check: (given) => checkActive(given, "'active'"),
  async expect(given, inputs) {
    const { model, recovery } = inputs;
    const sizes = sizesOf(model);
    if (sizes === undefined || ('recovery' in inputs && recovery === undefined)) return undefined;
    const routing = routingOf(given, sizes.layers);
    checkWidths(sizes, routing, "'experts'");
    const { targets = 0 } = recovery ?? {};
    const before = sameRecovery(recovery) ?? { recovery_parameters: 0 };
    return {
      ...before,
      targets,
      ...firstReplacedWith(routing.layers, inputs),
      router_parameters: routerParameters(sizes, routing),
      routing: { layers: routing.layers.length, experts: routing.experts, active: routing.active },
    };
  },
  cost: splitCost,
});
