// dataset: records from a file or a seeded generator, in one form, split into recovery and evaluation parts.
import { type Static, Type } from 'typebox';
import type { StageDefinition } from '../spec/stage.ts';
import { UserError } from '../util/errors.ts';
import { datasetCost } from './costs/data.ts';
import { generatedRecords } from './expected-facts.ts';
import { hubRecords } from './known-records.ts';
import { object } from './options.ts';

const generator = Type.Enum(['arxiv_math', 'dialogsum', 'gpt4_alpaca', 'dolly', 'openorca'], {
  description: 'a seeded generator of the tiny profile',
});

/** How a record's fields become messages (docs/data.md); `auto` goes by the field names. */
const recordForms = [
  'auto',
  'messages',
  'prompt_completion',
  'question_answer',
  'instruction',
  'dialogsum',
  'openorca',
  'text',
];

const params = object({
  path: Type.Optional(
    Type.String({
      format: 'path',
      description:
        'a JSONL, JSON, CSV or Parquet file, a folder of such files, or hf://datasets/org/name; give this, sources or generate',
    }),
  ),
  sources: Type.Optional(
    Type.Array(
      object({
        path: Type.String({ format: 'path', description: 'as path' }),
        form: Type.Enum(recordForms, { default: 'auto', description: 'as form, of this source' }),
        limit: Type.Optional(Type.Integer({ minimum: 1, description: 'as limit, of this source' })),
        eval_limit: Type.Optional(Type.Integer({ minimum: 1, description: 'as eval_limit, of this source' })),
      }),
      {
        minItems: 1,
        maxItems: 64,
        description: 'several data sets, one after the other; a share of each is set aside for evaluation',
      },
    ),
  ),
  eval_path: Type.Optional(
    Type.String({
      format: 'path',
      description: 'evaluation records, as path; without it a share of path is set aside',
    }),
  ),
  generate: Type.Optional(Type.Union([generator, Type.Array(generator, { minItems: 1 })])),
  generate_seed: Type.Integer({ minimum: 0, default: 1, description: 'stream of the generator' }),
  records: Type.Integer({ minimum: 1, default: 2000, description: 'records per generator' }),
  form: Type.Enum(recordForms, { default: 'auto', description: 'how the fields of a record become messages' }),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'at most this many records, those set aside included, drawn by the seed; of eval_path, see eval_limit',
    }),
  ),
  eval_limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        'at most this many records for evaluation, drawn by eval_seed; of eval_path, as many as limit without it',
    }),
  ),
  eval_seed: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'draws the records that are measured, whatever the seed (default 0): the seed varies training alone',
    }),
  ),
  eval_fraction: Type.Number({
    minimum: 0,
    maximum: 0.9,
    default: 0.01,
    description: 'share set aside for evaluation when there is no eval_path',
  }),
  drop_duplicates: Type.Boolean({ default: false, description: 'keep only the first of records with equal messages' }),
});
export type DatasetParams = Static<typeof params>;

export const dataset: StageDefinition = {
  name: 'dataset',
  version: 2,
  summary: 'reads or generates instruction records and splits them, by a seeded shuffle, into train and eval',
  reference: 'SHARP (arXiv 2502.07832), section 3.1: 1 % of each data set evaluates, 99 % recovers',
  params,
  inputs: {},
  outputs: {
    train: { kind: 'dataset', summary: 'recovery records, one JSON object per line', extension: 'jsonl' },
    eval: { kind: 'dataset', summary: 'evaluation records, one JSON object per line', extension: 'jsonl' },
  },
  numeric: false,
  seeded: true,
  check: (params) => checkSources(params as DatasetParams),
  // nothing of the records decides how later stages split, so that their units are known before the records are
  expect: async (params) => generatedRecords(params) ?? hubRecords(params) ?? {},
  cost: datasetCost,
  run: async () => (await import('./dataset-run.ts')).run,
};

function checkSources(params: DatasetParams): void {
  const { path, eval_path, sources, generate, limit, eval_limit, eval_fraction } = params;
  const given = Object.entries({ path, sources, generate }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    const got = given.length === 0 ? 'none' : given.map(([key]) => `'${key}'`).join(' and ');
    throw new UserError(
      `expected one of 'path' (a file), 'sources' (several) and 'generate' (a generator), got ${got}`,
    );
  }
  const asked = [eval_limit, ...(sources ?? []).map((source) => source.eval_limit)];
  if (eval_fraction === 0 && eval_path === undefined && asked.some((each) => each !== undefined)) {
    throw new UserError("'eval_limit' needs records for evaluation: an 'eval_path', or an 'eval_fraction' above 0");
  }
  if (sources === undefined) return;
  if (eval_path !== undefined) throw new UserError("'eval_path' belongs to 'path', not to 'sources'");
  if (limit !== undefined) throw new UserError("with 'sources' each source has a 'limit' of its own");
  if (eval_limit !== undefined) throw new UserError("with 'sources' each source has an 'eval_limit' of its own");
}
