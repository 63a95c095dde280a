// ratios: how much of a model is left.
import { declareStage } from '../../contract/define.ts';
import { object } from '../common/options.ts';
import { lookingCost } from '../costs/copying.ts';

export const ratios = declareStage({
  name: 'ratios',
  version: 1,
  summary: 'counts what is stored: the ratios tau and s of the MLPs, parameters and bytes of the whole model',
  reference: 'SHARP (arXiv 2502.07832), section 3.1 and eq. 1',
  params: object({}),
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'what is replaced, and by what', optional: true },
    pruned: { kind: 'checkpoint', summary: 'the model with narrower MLPs, where they were pruned', optional: true },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary:
        'tau (stored MLP parameters / original), s (recovery parameters added), parameters and bytes of what is stored, number of targets, the map',
      extension: 'json',
      fields: ['tau', 's', 'mlp_parameters', 'recovery_parameters', 'parameters', 'bytes', 'layers', 'targets'],
    },
  },
  numeric: false,
  seeded: false,
  cost: lookingCost,
});
