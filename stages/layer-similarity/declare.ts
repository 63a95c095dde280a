// layer-similarity: how little each layer changes what flows through it.
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { batchTokens, fraction, maxLength, object, recordsAtMost, threads } from '../common/options.ts';
import { evaluationCost } from '../costs/evaluation.ts';

const params = object({
  fraction: fraction('share of the records, drawn by the seed'),
  max_records: Type.Optional(Type.Integer({ minimum: 1, description: 'at most this many records, drawn by the seed' })),
  max_length: maxLength(),
  batch_tokens: batchTokens(),
  batch_size: recordsAtMost(),
  threads: threads(1),
});

export const layerSimilarity = declareStage({
  name: 'layer-similarity',
  version: 4,
  summary:
    'scores every layer by how little it changes the residual stream, and measures what its MLP adds to it, in one pass over a data set',
  reference:
    'angular distance: Gromov et al. (arXiv 2403.17887), section 3.2; block influence: ShortGPT (arXiv 2403.03853); sublayer similarity: LLM-Drop (arXiv 2406.15786); massive activations: Sun et al. (arXiv 2402.17762)',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    data: { kind: 'dataset', summary: 'the records to run it on' },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary:
        'angular.n.l (n layers from layer l on), block_influence.l, attention_similarity.l and mlp_similarity.l, and of what the MLP adds mlp_output.l (root mean square), mlp_first_token.l (share of the squares in first tokens), mlp_largest.l (absolute element) and mlp_largest_channel.l (from 0), with layers from 1; sequences, tokens',
      extension: 'json',
    },
  },
  numeric: true,
  seeded: true,
  cost: evaluationCost,
});
