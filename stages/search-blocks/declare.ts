// search-blocks: the block whose removal costs least goes, again and again (SLEB).
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import type { BlockSearchSettings } from '../../model/measure/block-search.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { batchSize, object, threads } from '../common/options.ts';
import { searchCost } from '../costs/sharing.ts';

const params = object({
  count: Type.Integer({ minimum: 1, maximum: 4096, description: 'blocks to remove' }),
  keep_first: Type.Integer({ minimum: 0, default: 1, description: 'first blocks that stay' }),
  keep_last: Type.Integer({ minimum: 0, default: 1, description: 'last blocks that stay' }),
  samples: Type.Integer({ minimum: 1, maximum: 4096, default: 128, description: 'windows of text' }),
  sample_tokens: Type.Integer({ minimum: 2, maximum: 131072, default: 2048, description: 'tokens of a window' }),
  batch_size: batchSize(8, 'windows per forward pass'),
  threads: threads(1),
});
export type SearchBlocksParams = Static<typeof params>;

/** What the search is told, for a model of `depth` layers; a UserError where there are not as many blocks to remove. */
export function searchSettings(params: SearchBlocksParams, depth: number): BlockSearchSettings {
  const { count, keep_first, keep_last, batch_size } = params;
  const most = Math.min(depth - keep_first - keep_last, depth - 1);
  if (count <= most) return { count, keep_first, keep_last, batch_size };
  throw new UserError(
    `'count' must be at most ${Math.max(0, most)} for a model of ${depth} layers of which ${keep_first} first and ${keep_last} last stay, got ${count}`,
  );
}

export const searchBlocks = declareStage({
  name: 'search-blocks',
  version: 1,
  summary: 'removes, again and again, the block without which the text stays likeliest; without training',
  reference: 'SLEB (arXiv 2402.09025), section 3.3 and algorithm 1',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    data: { kind: 'dataset', summary: 'the text that is to stay likely' },
  },
  outputs: {
    model: { kind: 'checkpoint', summary: 'a model of fewer layers', extension: 'arrow' },
    metrics: {
      kind: 'metrics',
      summary:
        'removed: layers in the order of their removal, each with the mean negative log-likelihood (nll) after it',
      extension: 'json',
      fields: ['layers', 'nll'],
    },
  },
  numeric: true,
  seeded: true,
  async expect(params, { model }) {
    if (model?.layers === undefined) return undefined;
    searchSettings(params, model.layers);
    if (model.intermediate_sizes !== undefined) return undefined; // which widths are left is what the search finds
    const layers = model.layers - params.count;
    return { ...model, layers, stored_layers: layers };
  },
  cost: searchCost,
});
