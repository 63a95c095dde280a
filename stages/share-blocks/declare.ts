// share-blocks: target layers run the whole block of their reference layer.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { blockMap, sharedSources } from '../../model/sharing/block-map.ts';
import { blocks, object } from '../common/options.ts';
import { arrangedCost } from '../costs/checkpoints.ts';

const params = object(blocks);
export type ShareBlocksParams = Static<typeof params>;

/** For each layer, the layer whose block it runs. */
export function sourcesOf(params: ShareBlocksParams, layers: number): number[] {
  return sharedSources(blockMap(params, layers), layers);
}

export const shareBlocks = declareStage({
  name: 'share-blocks',
  version: 1,
  summary:
    'lets target layers run the whole block of their reference layer - attention, norms and MLP - without training',
  reference:
    'MobileLLM (arXiv 2402.14905), section 3.3, immediate block-wise sharing, on a pretrained model; SHARP (arXiv 2502.07832), Table 7',
  params,
  inputs: { model: { kind: 'checkpoint', summary: 'the original model' } },
  outputs: {
    model: {
      kind: 'checkpoint',
      summary: 'a model of as many layers, in which a repeated block is stored once',
      extension: 'arrow',
    },
  },
  numeric: false,
  seeded: false,
  async expect(params, { model }) {
    if (model?.layers === undefined) return undefined;
    const sources = sourcesOf(params, model.layers);
    return { ...model, stored_layers: new Set(sources).size };
  },
  cost: arrangedCost,
});
