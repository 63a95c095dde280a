// merge-layers: layers are merged into one below them as long as the output stays similar (LaCo).
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import type { MergeSettings } from '../../model/measure/merge-search.ts';
import { mergeVariants } from '../../model/sharing/layer-mix.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { object, threads } from '../common/options.ts';
import { mergeCost } from '../costs/sharing.ts';

const params = object({
  variant: Type.Enum([...mergeVariants], {
    default: 'paper',
    description:
      'paper: the lowest layer plus the differences of the others from it; released: what the code of its authors computes, the matrices of the highest of them; drop: the control, the lowest as it is',
  }),
  merge: Type.Integer({ minimum: 2, maximum: 4096, default: 7, description: 'layers that become one' }),
  threshold: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0.45,
    description: "cosine of the outputs that a merge must exceed, merged model against the original's",
  }),
  interval: Type.Integer({ minimum: 1, maximum: 4096, default: 1, description: 'layers to go down after a merge' }),
  lowest: Type.Integer({ minimum: 1, default: 1, description: 'the lowest layer that others may be merged into' }),
  highest: Type.Optional(
    Type.Integer({ minimum: 2, description: 'the first merge lies below this layer; not given: the last' }),
  ),
  samples: Type.Integer({ minimum: 1, maximum: 4096, default: 5, description: 'windows of text' }),
  sample_tokens: Type.Integer({ minimum: 2, maximum: 131072, default: 32, description: 'tokens of a window' }),
  threads: threads(1),
});
export type MergeLayersParams = Static<typeof params>;

/** What the search is told, for a model of `depth` layers; a UserError where no merge would be tried. */
export function mergeSettings(params: MergeLayersParams, depth: number): MergeSettings {
  const { variant, merge, threshold, interval, lowest, highest = depth } = params;
  if (highest > depth) throw new UserError(`'highest' must be at most ${depth}, the model's layers, got ${highest}`);
  if (highest - merge < lowest) {
    throw new UserError(
      `'merge' must be at most ${highest - lowest} between layers ${lowest} and ${highest} of a model of ${depth}, got ${merge}`,
    );
  }
  return { variant, merge, threshold, interval, lowest, highest };
}

export const mergeLayers = declareStage({
  name: 'merge-layers',
  version: 2,
  summary:
    'merges layers into one below them, from the top down, as long as the output stays similar; without training',
  reference: 'LaCo (arXiv 2402.11187), equation 1 and algorithm 1',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    data: { kind: 'dataset', summary: 'the text on which outputs are compared' },
  },
  outputs: {
    model: { kind: 'checkpoint', summary: 'a model of fewer layers', extension: 'arrow' },
    metrics: {
      kind: 'metrics',
      summary: 'layers that are left and removed, similarity of the output, and tries: each merge with its similarity',
      extension: 'json',
      fields: ['layers', 'removed', 'similarity'],
    },
  },
  numeric: true,
  seeded: true,
  async expect(params, { model }) {
    // how many layers will be left is what the search finds
    if (model?.layers !== undefined) mergeSettings(params, model.layers);
    return undefined;
  },
  cost: mergeCost,
});
