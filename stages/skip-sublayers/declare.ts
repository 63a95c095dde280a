// skip-sublayers: attention, MLP or both of some layers are the identity.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { skippedParts } from '../../model/sharing/replacement.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { parseLayers } from '../../model/sharing/sharing-parse.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { besideFacts, firstReplacedWith } from '../common/expected-facts.ts';
import { object } from '../common/options.ts';
import { untrainedCost } from '../costs/checkpoints.ts';

const params = object({
  sublayer: Type.Enum([...skippedParts], {
    default: 'attention',
    description: 'what of a layer is skipped; skipped attention has no keys and values, so no place in a cache',
  }),
  layers: Type.Optional(
    Type.String({ description: "explicit list of 1-based layers, '17-30' or '3,5,7-9'; wins over choose" }),
  ),
  choose: Type.Enum(['last', 'similarity', 'threshold'], {
    default: 'last',
    description:
      'last: the last layers; similarity: those whose sublayer changes the stream least; threshold: all whose similarity exceeds tau',
  }),
  percent: Type.Number({
    minimum: 0,
    maximum: 100,
    default: 25,
    description: 'of last and similarity: share of all layers, rounded to whole ones; 0 skips nothing',
  }),
  tau: Type.Number({
    minimum: -1,
    maximum: 1,
    default: 0.9,
    description: 'of threshold: mean cosine between the stream before and after the sublayer',
  }),
  keep_last: Type.Boolean({ default: false, description: 'never skip anything of the very last layer' }),
});
export type SkipSublayersParams = Static<typeof params>;

/** What decides: the layers themselves, or the scores that have to be asked which of `among` go. */
export type SkipChoice =
  | { readonly layers: readonly number[] }
  | { readonly among: readonly number[]; readonly count: number }
  | { readonly among: readonly number[]; readonly tau: number };

/** What `params` mean for a model of `depth` layers; a UserError when every layer would be skipped. */
export function skipChoice(params: SkipSublayersParams, depth: number): SkipChoice {
  const { layers, choose, percent, tau, keep_last } = params;
  const among = consecutive(1, keep_last ? depth - 1 : depth);
  if (layers !== undefined) return { layers: listed(layers, depth, keep_last) };
  if (choose === 'threshold') return { among, tau };
  const count = Math.round((percent * depth) / 100);
  if (count >= depth || count > among.length) {
    const last = keep_last ? ' with keep_last' : '';
    throw new UserError(
      `'percent' must leave a layer${last} of the ${depth} layers of the model, got ${percent}, which is ${count}`,
    );
  }
  return choose === 'last' ? { layers: among.slice(among.length - count) } : { among, count };
}

function listed(text: string, depth: number, keep_last: boolean): number[] {
  const layers = parseLayers(text, depth);
  if (layers.length === depth) {
    throw new UserError(`layers: '${text}' names all ${depth} layers of the model, expected one to stay`);
  }
  if (keep_last && layers.includes(depth)) {
    throw new UserError(
      `layers: '${text}' names the last layer (${depth}), which keep_last: true keeps: leave one of them out`,
    );
  }
  return layers;
}

export const skipSublayers = declareStage({
  name: 'skip-sublayers',
  version: 1,
  summary: 'skips attention, MLP or both of some layers, without training: the stream passes them as it is',
  reference:
    'arXiv 2404.05741 and 2407.15516 (the last layers, similarity above a threshold; no code was released); similarity of sublayers: LLM-Drop (arXiv 2406.15786)',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    scores: { kind: 'metrics', summary: 'of layer-similarity, for choose: similarity and threshold', optional: true },
    recovery: { kind: 'recovery', summary: 'what is replaced already; it stays as it is', optional: true },
  },
  outputs: { recovery: { kind: 'recovery', summary: 'what came in, and what is skipped', extension: 'arrow' } },
  numeric: false,
  seeded: false,
  check({ layers, choose }, inputs) {
    if (layers !== undefined || choose === 'last' || inputs.has('scores')) return;
    throw new UserError(
      `choose: ${choose} needs input 'scores': join it to a stage 'layer-similarity', or name the layers with 'layers'`,
    );
  },
  async expect(params, inputs) {
    const { model, recovery } = inputs;
    if (model?.layers === undefined || ('recovery' in inputs && recovery === undefined)) return undefined;
    const choice = skipChoice(params, model.layers);
    const { recovery_parameters = 0, targets = 0, first_layer } = recovery ?? {};
    const trained = {
      recovery_parameters,
      ...(first_layer !== undefined && { first_layer }),
      ...besideFacts(recovery ?? {}),
    };
    if ('tau' in choice) return trained;
    const count = 'layers' in choice ? choice.layers.length : choice.count;
    return {
      ...trained,
      targets: targets + (params.sublayer === 'attention' ? 0 : count),
      ...('layers' in choice && firstReplacedWith(choice.layers, inputs)),
    };
  },
  cost: untrainedCost,
});
