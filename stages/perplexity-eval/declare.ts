// perplexity-eval: how well a model, with or without shared layers, predicts the responses of a data set.
import { declareStage } from '../../contract/define.ts';
import type { CheckpointFacts, RecoveryFacts } from '../../contract/facts.ts';
import { Type } from '../../schemas/type.ts';
import { batchTokens, maxLength, object, recordsAtMost, threads } from '../common/options.ts';
import { evaluationCost } from '../costs/evaluation.ts';
import { statesUnit } from '../costs/inputs.ts';

const params = object({
  max_length: maxLength(),
  batch_tokens: batchTokens(),
  batch_size: recordsAtMost(),
  scope: Type.Enum(['response', 'full'], {
    default: 'response',
    description: 'which tokens are scored',
  }),
  reduction: Type.Enum(['token_mean', 'example_mean'], {
    default: 'token_mean',
    description: 'exp of the mean over all tokens, or of the mean of the mean of each record',
  }),
  threads: threads(1),
});

/** Kept states are read where they save at least this share of the layers: a file of them costs its bytes, too. */
const leastSaved = 0.25;

/** The units of hidden-states that are gone on from: after the last layer before the first that is another's, or none. */
function beginningOf({
  model,
  recovery,
}: {
  model?: CheckpointFacts | undefined;
  recovery?: RecoveryFacts | undefined;
}): string[] {
  const shared = (recovery?.first_replaced ?? 1) - 1;
  const saves = shared > 0 && shared >= leastSaved * (model?.layers ?? Number.POSITIVE_INFINITY);
  return saves ? [statesUnit(shared)] : [];
}

export const perplexityEval = declareStage({
  name: 'perplexity-eval',
  version: 3,
  summary: 'perplexity of the response tokens (end token included) over a data set',
  reference: 'SHARP (arXiv 2502.07832), section 3.1; the paper does not define it, see docs/methods.md',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
    data: { kind: 'dataset', summary: 'the records to score' },
    beginning: {
      kind: 'states',
      summary:
        'states of these records in the original model, from which it goes on where that saves a quarter of the layers',
      optional: true,
    },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary: 'perplexity, its parts and its error',
      extension: 'json',
      fields: ['perplexity', 'mean_nll', 'stderr', 'tokens', 'examples'],
    },
  },
  numeric: true,
  seeded: false,
  needs: (_, inputs) => ({ beginning: beginningOf(inputs) }),
  cost: evaluationCost,
});
