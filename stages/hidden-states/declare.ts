// hidden-states: what comes out of each layer of the original model, so that evaluations of models that share these layers begin there.
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { batchTokens, maxLength, object, recordsAtMost, threads } from '../common/options.ts';
import { layersOf } from '../common/replacement.ts';
import { statesUnit } from '../costs/inputs.ts';
import { captureCost } from '../costs/training.ts';

const params = object({
  max_length: maxLength(),
  batch_tokens: batchTokens(),
  batch_size: recordsAtMost(),
  dtype: Type.Enum(['F32', 'F16'], {
    default: 'F32',
    description: 'precision on disk; F32 changes no bit of what is computed from them, F16 some',
  }),
  threads: threads(1),
});

export const hiddenStates = declareStage({
  name: 'hidden-states',
  version: 2,
  summary: 'keeps the hidden states of records after each layer, one unit per layer; perplexity-eval goes on from them',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    data: { kind: 'dataset', summary: 'the records that are going to be scored' },
  },
  outputs: {
    states: { kind: 'states', summary: 'one row per token of the passages, padding included', extension: 'arrow' },
  },
  numeric: true,
  seeded: false,
  grouped: true,
  units(params, inputs) {
    return Array.from({ length: layersOf(inputs.model) - 1 }, (_, i) => ({
      name: statesUnit(i + 1),
      params: { ...params, layer: i + 1 },
    }));
  },
  expect: async ({ dtype }) => ({ dtype }),
  cost: captureCost,
});
