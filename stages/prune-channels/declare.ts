// prune-channels: narrower MLPs in some layers (the baseline LLM-Pruner).
import { declareStage } from '../../contract/define.ts';
import {
  fluctuationChoices,
  groupReductions,
  importances,
  isSecondOrder,
  needsNoData,
} from '../../model/measure/importances.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { object, threads } from '../common/options.ts';
import { pruneChannelsCost } from '../costs/checkpoints.ts';

const params = object({
  ratio: Type.Number({
    exclusiveMinimum: 0,
    exclusiveMaximum: 1,
    default: 0.5,
    description: 'share of the channels that is removed from these layers',
  }),
  layers: Type.Optional(
    Type.String({
      description: "1-based layers, '4-30' or '3,5,7-9'; not given: all but the first two and the last",
    }),
  ),
  importance: Type.Enum([...importances], {
    default: 'param_first',
    description:
      'score of a channel in one matrix, of S = weight times gradient: vectorize |sum S|, param_first sum |S|, param_second sum |W^2 mean(g^2)|, param_mix sum |S - W^2 mean(g^2)/2|; l1 and l2 of the weights alone; adaptive: of vectorize and param_first, each reduced to one score, the sum of (1 + log score)/2 (SAAP)',
  }),
  group_reduction: Type.Enum([...groupReductions], {
    default: 'sum',
    description: 'how the scores in gate, up and down become one; first is gate, second is up',
  }),
  global: Type.Boolean({
    default: false,
    description: 'compare the channels of all these layers with each other, so that widths differ',
  }),
  choose: Type.Optional(
    Type.Enum([...fluctuationChoices], {
      description:
        'narrow only `count` of these layers: those whose importance varies least (steady) or most (fluctuating) from window to window; not given: all of them',
    }),
  ),
  count: Type.Optional(Type.Integer({ minimum: 1, description: 'of choose: how many layers are narrowed' })),
  samples: Type.Integer({ minimum: 1, maximum: 4096, default: 10, description: 'windows of text for the gradients' }),
  sample_tokens: Type.Integer({ minimum: 2, maximum: 131072, default: 64, description: 'tokens of a window' }),
  threads: threads(1),
});

export const pruneChannels = declareStage({
  name: 'prune-channels',
  version: 3,
  summary: 'removes the least important channels of the MLPs of some layers; without training',
  reference:
    'LLM-Pruner (arXiv 2305.11627), section 3.2 and its code, as SHARP (arXiv 2502.07832, section 3.1) adapts it: MLPs alone, not the first two and the last; adaptive: SAAP (arXiv 2412.15127), in part',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    data: { kind: 'dataset', summary: 'the text for the gradients; l1 and l2 need none', optional: true },
  },
  outputs: { model: { kind: 'checkpoint', summary: 'the model with narrower MLPs', extension: 'arrow' } },
  numeric: true,
  seeded: true,
  check({ importance, choose, count, samples }) {
    if ((choose === undefined) !== (count === undefined)) {
      const [has, lacks] = choose === undefined ? ['count', 'choose'] : ['choose', 'count'];
      throw new UserError(
        `'${has}' needs '${lacks}': 'choose' says by what layers are chosen, 'count' how many of them are narrowed`,
      );
    }
    if (choose === undefined) return;
    if (needsNoData(importance) || isSecondOrder(importance)) {
      const known = importances.filter((each) => !needsNoData(each) && !isSecondOrder(each)).join(', ');
      throw new UserError(
        `choose: ${choose} compares windows, expected an importance of first-order gradients (${known}), got '${importance}'`,
      );
    }
    if (samples < 2) throw new UserError(`choose: ${choose} compares windows, expected 'samples' of at least 2, got 1`);
  },
  expect: async (_params, { model }) => model,
  cost: pruneChannelsCost,
});
