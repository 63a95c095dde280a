// exit-latency: how long a token takes with early exit, of what it takes with all layers.
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { decoding } from '../common/decoding-options.ts';
import { machine, object } from '../common/options.ts';
import { exitLatencyCost } from '../costs/decoding.ts';
import { checkExitFacts } from '../decode/declare.ts';

const params = object({
  ...decoding,
  repetitions: Type.Integer({
    minimum: 2,
    maximum: 1000,
    default: 7,
    description:
      'rounds, in each of which all answers are made with exits and with all layers; one more comes first and is not counted',
  }),
  machine,
});

export const exitLatency = declareStage({
  name: 'exit-latency',
  version: 1,
  summary:
    'times the tokens of answers with early exit and with all layers in turn, so that the ratios come from one run',
  reference: 'CALM (arXiv 2207.07061), section 5; LITE (arXiv 2310.18581), section 4; docs/methods/early-exit.md',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
    exit: { kind: 'exit', summary: 'when tokens stop' },
    data: { kind: 'dataset', summary: 'records with a prompt and an answer' },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary:
        'of the tokens that decoding makes (the first of each answer comes from reading the prompt): milliseconds of a token with exits and with all layers, of wall time and of processor time as cpu (medians), their ratios (median of the rounds, with quartiles), tokens of a round, the machine, and every round',
      extension: 'json',
      fields: [
        'token_ms',
        'token_cpu_ms',
        'full_token_ms',
        'full_token_cpu_ms',
        ...['token_ratio', 'token_cpu_ratio'].flatMap((name) => [name, `${name}_stderr`, `${name}_q1`, `${name}_q3`]),
        'tokens',
        'full_tokens',
      ],
    },
  },
  numeric: true,
  seeded: true,
  timing: true,
  async expect(_params, { exit, recovery }) {
    checkExitFacts(exit, recovery);
    return undefined;
  },
  cost: exitLatencyCost,
});
