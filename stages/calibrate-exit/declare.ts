// calibrate-exit: the threshold that saves most and keeps a promise about the answers.
import { declareStage } from '../../contract/define.ts';
import { pValueBounds } from '../../model/exits/calibrate.ts';
import { Type } from '../../schemas/type.ts';
import { object } from '../common/options.ts';
import { lookingCost } from '../costs/copying.ts';

/** What can be lost, as exit-risk names it. */
export const risks = ['exact', 'rouge_l', 'answer'] as const;

const share = (value: number, description: string) =>
  Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, default: value, description });

export const calibrateExit = declareStage({
  name: 'calibrate-exit',
  version: 1,
  summary:
    'chooses the threshold of an exit description by Learn then Test: the risk is at most delta with probability 1 - epsilon',
  reference: 'CALM (arXiv 2207.07061), section 3.3 and algorithm 1; Learn then Test (arXiv 2110.01052)',
  params: object({
    risk: Type.Enum([...risks], {
      default: 'rouge_l',
      description:
        "the mean of which loss: exact, answers other than all layers'; rouge_l, 1 - ROUGE-L to these (CALM's textual consistency); answer, ROUGE-L to the right answers that is lost (risk consistency)",
    }),
    delta: share(0.1, 'the risk that is allowed'),
    epsilon: share(0.05, 'how often the promise may fail'),
    bound: Type.Enum([...pValueBounds], {
      default: 'hoeffding',
      description:
        'p-values: hoeffding exp(-2 n (delta - mean)^2) as in CALM; hoeffding_bentkus, tighter, as in Learn then Test',
    }),
  }),
  inputs: {
    exit: { kind: 'exit', summary: 'the description that the thresholds were tried with' },
    risks: { kind: 'metrics', summary: 'of exit-risk, on records that nothing is measured on later' },
  },
  outputs: {
    exit: {
      kind: 'exit',
      summary: 'the description with the threshold; one without exits where none keeps the promise',
      extension: 'arrow',
    },
    metrics: {
      kind: 'metrics',
      summary:
        'threshold, its mean loss (risk) and p-value, what is saved, how many of the thresholds passed, and each that was tested; where none passed, threshold 1, risk and saved 0',
      extension: 'json',
      fields: ['threshold', 'risk', 'p', 'saved', 'passed', 'tried', 'records'],
    },
  },
  numeric: false,
  seeded: false,
  expect: async (_params, { exit }) => exit,
  cost: lookingCost,
});
