// What the dataset stage is told.
import type { Static } from 'typebox';
import { templates } from '../../model/forward/record.ts';
import { mapOf } from '../../schemas/map-of.ts';
import { Type } from '../../schemas/type.ts';
import { object } from '../common/options.ts';
import { formFields } from '../common/record-forms.ts';

const generator = Type.Enum(['arxiv_math', 'dialogsum', 'gpt4_alpaca', 'dolly', 'openorca'], {
  description: 'a seeded generator of the tiny profile',
});

/** How a record's fields become messages (docs/data.md); `auto` goes by the field names. */
const recordForms = [
  'auto',
  'messages',
  'sharegpt',
  'prompt_completion',
  'question_answer',
  'instruction',
  'dialogsum',
  'openorca',
  'text',
];

/** The file's names of fields, by the names that the forms look for. */
const columns = (description: string) =>
  Type.Optional(mapOf(Type.String({ minLength: 1 }), { key: Type.Enum([...formFields]), description }));

export const params = object({
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
        columns: columns('as columns, of this source'),
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
  columns: columns("the file's names of fields, by the names of docs/data.md: { question: Q, answer: A }"),
  template: Type.Optional(
    Type.Enum([...templates], {
      description:
        "how conversations become text wherever these records are read: in Tulu 2's template (default), in the model's own, or in none",
    }),
  ),
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
