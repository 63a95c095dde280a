// exit-risk: what early exit costs in quality, record by record, at several thresholds: what a calibration chooses from.
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { decoding } from '../common/decoding-options.ts';
import { object } from '../common/options.ts';
import { exitRiskCost } from '../costs/decoding.ts';
import { checkExitFacts } from '../decode/declare.ts';

const params = object({
  ...decoding,
  thresholds: Type.Array(Type.Number({ minimum: 0, maximum: 1 }), {
    minItems: 1,
    maxItems: 1000,
    uniqueItems: true,
    default: [0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5],
    description: 'the thresholds that are tried, one unit each',
  }),
});

export const exitRisk = declareStage({
  name: 'exit-risk',
  version: 1,
  summary: 'answers records at several thresholds of an exit description, and says of each record what that loses',
  reference: 'CALM (arXiv 2207.07061), section 3.3: textual and risk consistency',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
    exit: { kind: 'exit', summary: 'the description, whose threshold is replaced by those tried' },
    data: { kind: 'dataset', summary: 'records with a prompt and an answer' },
    reference: { kind: 'file', summary: "output 'texts' of decode: the answers of all layers to the same records" },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary:
        'of one threshold: layers, operations and what is saved as in decode, and losses of each record, from 0 to 1: exact (other tokens than with all layers), rouge_l (1 - ROUGE-L to that answer), answer (ROUGE-L to the right answer that is lost)',
      extension: 'json',
      fields: ['threshold', 'layers', 'layers_with_kv', 'operations_per_token', 'saved'],
    },
  },
  numeric: true,
  seeded: true,
  grouped: true,
  units: ({ thresholds, ...params }) =>
    thresholds.map((threshold) => ({ name: `threshold ${threshold}`, params: { ...params, threshold } })),
  async expect(_params, { exit, recovery }) {
    checkExitFacts(exit, recovery);
    return undefined;
  },
  cost: exitRiskCost,
});
