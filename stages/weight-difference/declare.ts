// weight-difference: how much each layer's matrices differ from the next layer's.
import { declareStage } from '../../contract/define.ts';
import { object } from '../common/options.ts';
import { weightsCost } from '../costs/checkpoints.ts';

export const weightDifference = declareStage({
  name: 'weight-difference',
  version: 1,
  summary: 'relative Frobenius distance between the weights of each layer and the next',
  reference: 'SHARP (arXiv 2502.07832), Figure 3: ||W_(i+1) - W_i|| / ||W_i||, mean over i',
  params: object({}),
  inputs: { model: { kind: 'checkpoint', summary: 'the model' } },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary:
        'for gate, up, down, q, k, v and o: mean, and by_layer.1, by_layer.2, ... by the first of the two layers',
      extension: 'json',
    },
  },
  numeric: false,
  seeded: false,
  cost: weightsCost,
});
