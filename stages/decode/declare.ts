// decode: the answers of a model to the prompts of records, with or without early exit, and what they took.
import { declareStage } from '../../contract/define.ts';
import type { ExitFacts, RecoveryFacts } from '../../contract/facts.ts';
import { checkExits } from '../../model/exits/exit-layers.ts';
import { oracles } from '../../model/generate/oracles.ts';
import type { ParallelLayers } from '../../model/sharing/parallel-layers.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { decoding } from '../common/decoding-options.ts';
import { object } from '../common/options.ts';
import { decodeCost } from '../costs/decoding.ts';

const params = object({
  ...decoding,
  oracle: Type.Enum([...oracles], {
    default: 'none',
    description:
      'what is taken from the full model, to tell errors apart: cache, true keys and values in skipped layers; token, the last layer says the token; exit, a token stops at the first exit that says what the last layer says',
  }),
});

/** Throws a UserError where an exit lies within a pair of layers that run side by side. */
export function checkExitFacts(exit: ExitFacts | undefined, recovery: RecoveryFacts | undefined): void {
  if (exit?.exits === undefined) return;
  checkExits(exit.exits, Number.POSITIVE_INFINITY, "input 'exit'", recovery?.parallel as ParallelLayers | undefined);
}

export const decode = declareStage({
  name: 'decode',
  version: 1,
  summary: 'answers the prompts of records, the likeliest token each time; with an exit description tokens stop early',
  reference:
    'LITE (arXiv 2310.18581), section 4; CALM (arXiv 2207.07061), sections 3 and 4; docs/methods/early-exit.md',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
    exit: { kind: 'exit', summary: 'when tokens stop; without it every token takes all layers', optional: true },
    data: { kind: 'dataset', summary: 'records with a prompt and an answer' },
  },
  outputs: {
    texts: {
      kind: 'file',
      summary: "id, tokens, text and the record's answer, one JSON object per line",
      extension: 'jsonl',
    },
    metrics: {
      kind: 'metrics',
      summary:
        "right: the share of answers that are the record's own, letter for letter; of the tokens that decoding makes (the first of each answer comes from reading the prompt): mean layer after which they stop, the same with keys and values of the skipped layers, operations, what of them is saved against all layers, the share that stops early, and by_layer the share that stops after each",
      extension: 'json',
      fields: [
        'records',
        'right',
        'tokens',
        'layers',
        'layers_with_kv',
        'heads',
        'operations_per_token',
        'full_operations_per_token',
        'saved',
        'early',
      ],
    },
  },
  numeric: true,
  seeded: true,
  check({ oracle }, inputs) {
    if (oracle === 'none' || inputs.has('exit')) return;
    throw new UserError(
      `oracle: ${oracle} is about early exits, expected input 'exit' (of stage 'early-exit') with it`,
    );
  },
  async expect(_params, inputs) {
    checkExitFacts(inputs.exit, inputs.recovery);
    // nothing more is going to be said of the answers, so that whoever reads them can be planned
    return Object.values(inputs).includes(undefined) ? undefined : {};
  },
  cost: decodeCost,
});
