// rolling-perplexity: how well a model predicts running text, with windows that move over it.
import { stat } from 'node:fs/promises';
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { batchTokens, object, threads } from '../common/options.ts';
import { rollingCost } from '../costs/evaluation.ts';

const params = object({
  path: Type.Optional(
    Type.String({ format: 'path', description: 'a file of text in UTF-8, read whole; where input data is not joined' }),
  ),
  join: Type.Boolean({
    default: true,
    description: 'one text of all records, in their order; false: each record is a text by itself',
  }),
  separator: Type.String({ default: '\n\n', description: 'what stands between records that are joined' }),
  context: Type.Integer({ minimum: 2, maximum: 131072, default: 2048, description: 'tokens of a window' }),
  stride: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 131072,
      description:
        'tokens from the beginning of a window to that of the next; default: context, no token is read twice',
    }),
  ),
  last_window: Type.Enum(['short', 'full', 'dropped'], {
    default: 'short',
    description:
      "of each text: 'short' holds what is left (transformers), 'full' begins earlier instead (lm-evaluation-harness), 'dropped' leaves it out (GPTQ and the papers after it)",
  }),
  bos: Type.Enum(['tokenizer', 'never', 'always'], {
    default: 'tokenizer',
    description:
      "before each text: 'tokenizer' what the tokenizer adds, 'never' nothing, 'always' the begin token, or the end token of a model that has none (lm-evaluation-harness)",
  }),
  batch_tokens: batchTokens(),
  threads: threads(1),
});
export type RollingParams = Static<typeof params>;

export const rollingPerplexityStage = declareStage({
  name: 'rolling-perplexity',
  version: 1,
  summary: 'perplexity of running text by token, word and byte, with windows that move over it',
  reference: 'transformers, "Perplexity of fixed-length models"; docs/perplexity.md',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
    data: { kind: 'dataset', summary: 'records with text, of stage dataset', optional: true },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary: 'the perplexities, their error, and what was counted',
      extension: 'json',
      fields: [
        'perplexity',
        'mean_nll',
        'stderr',
        'word_perplexity',
        'byte_perplexity',
        'bits_per_byte',
        'tokens',
        'text_tokens',
        'words',
        'bytes',
        'texts',
        'windows',
      ],
    },
  },
  numeric: true,
  seeded: false,
  check: (params, inputs) => checkParams(params, inputs.has('data')),
  async expect({ path }) {
    const bytes = path === undefined ? undefined : (await stat(path).catch(() => undefined))?.size;
    return bytes === undefined ? undefined : { bytes };
  },
  cost: rollingCost,
});

function checkParams({ path, context, stride = context }: RollingParams, joined: boolean): void {
  if ((path !== undefined) === joined) {
    const got = joined ? 'both' : 'neither';
    throw new UserError(`expected parameter 'path' (a file of text) or input 'data' (of stage 'dataset'), got ${got}`);
  }
  if (path?.startsWith('hf://')) {
    throw new UserError(
      `'path': expected a file of text, got '${path}': stage 'dataset' downloads, join its output as 'data'`,
    );
  }
  if (stride <= context) return;
  throw new UserError(
    `'stride' is ${stride}, but a window has ${context} tokens ('context'): those between would never be read`,
  );
}
