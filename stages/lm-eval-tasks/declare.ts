// lm-eval-tasks: the lm-evaluation-harness's tasks on a model, from the harness's own task files and local copies of the data.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { batchSize, object, threads } from '../common/options.ts';
import { tasksCost } from '../costs/evaluation.ts';

const count = (minimum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum: 1_000_000, description }));

const params = object({
  folder: Type.String({
    format: 'path',
    description:
      'task files in the form of lm-evaluation-harness: tasks/definitions, or lm_eval/tasks of the harness itself',
  }),
  tasks: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
    description: 'names of tasks, groups or tags in that folder: arc_easy, or a list',
  }),
  functions: Type.Optional(
    Type.String({
      format: 'path',
      description:
        'a module with the Python functions of task files that are not built in, written in JavaScript (docs/tasks.md)',
    }),
  ),
  data: Type.Optional(
    Type.String({
      format: 'path',
      description:
        'a folder with local copies of the data: TASK/SPLIT.jsonl or .parquet, or DATASET/CONFIG/SPLIT (docs/tasks.md); where input data is not joined',
    }),
  ),
  num_fewshot: count(0, "examples before each record, instead of the task files' own"),
  limit: count(1, 'only the first records of each task; for trying things out'),
  bos: Type.Enum(['never', 'tokenizer'], {
    default: 'never',
    description:
      "begin token: 'never' as the harness up to 0.4.9.1, 'tokenizer' what the tokenizer adds, as from 0.4.9.2",
  }),
  apply_chat_template: Type.Optional(
    Type.Boolean({
      description: "put every request into the model's own chat template (default: as the task files write it)",
    }),
  ),
  fewshot_as_multiturn: Type.Optional(
    Type.Boolean({
      description: 'with the template: examples are turns of the conversation, not one text before the question',
    }),
  ),
  system_instruction: Type.Optional(
    Type.String({ description: "what stands before everything, with the template as the system's turn" }),
  ),
  compat: Type.Boolean({
    default: true,
    description:
      "reproduce the harness's known mistakes (r@1 and r@2 of mutual, acc_mutual_info); the right acc is beside them",
  }),
  harness: Type.Enum(['0.4.3', '0.4.5'], {
    default: '0.4.5',
    description: 'whose few-shot texts, where the two differ: 0.4.3 writes delimiters around an empty target',
  }),
  fewshot_seed: Type.Integer({
    minimum: 0,
    maximum: 4294967295,
    default: 1234,
    description: "seed of the few-shot examples; the harness's default",
  }),
  bootstrap: Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    default: 100_000,
    description: 'resamples for the standard error of a perplexity; 0 leaves out all standard errors',
  }),
  max_length: count(8, "most tokens of one input; default: the model's context"),
  max_gen_toks: count(1, "most generated tokens, instead of the task files' own"),
  batch_size: batchSize(16, 'most inputs per forward pass'),
  threads: threads(1),
});
export type LmEvalTasksParams = Static<typeof params>;

export const lmEvalTasks = declareStage({
  name: 'lm-eval-tasks',
  version: 4,
  summary: 'accuracies of a model on tasks of lm-evaluation-harness, scored as the harness scores them',
  reference: 'lm-evaluation-harness 0.4.5 (Zenodo 07/2024); SHARP (arXiv 2502.07832), Table 6; docs/tasks.md',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
    exit: {
      kind: 'exit',
      summary: 'when tokens that are generated stop early; log-likelihoods are those of all layers',
      optional: true,
    },
    data: { kind: 'tasks', summary: 'the records of the tasks, of stage task-data', optional: true },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary: 'tasks.NAME.acc, its acc_stderr and n, for every task and group',
      extension: 'json',
    },
    samples: {
      kind: 'file',
      summary: "each record's answers and scores, one JSON object per line",
      extension: 'jsonl',
    },
  },
  numeric: true,
  seeded: false,
  check: (params, inputs) => checkSources(params, inputs.has('data')),
  async preflight({ num_fewshot, ...given }) {
    const [{ checkTasks }, { exampleCount }] = await Promise.all([
      import('./planned-tasks.ts'),
      import('../../tasks/score/prepare.ts'),
    ]);
    await checkTasks(given, (config) => exampleCount(config, num_fewshot) > 0);
    return [];
  },
  cost: tasksCost,
});

function checkSources(params: LmEvalTasksParams, joined: boolean): void {
  const { folder, data } = params;
  if (params.fewshot_as_multiturn === true && params.apply_chat_template !== true) {
    throw new UserError(
      "'fewshot_as_multiturn' makes turns of a conversation: expected 'apply_chat_template: true' with it",
    );
  }
  if (folder.startsWith('hf://')) throw new UserError(`'folder': expected a folder with task files, got '${folder}'`);
  if ((data !== undefined) === joined) {
    const got = joined ? 'both' : 'neither';
    throw new UserError(`expected parameter 'data' (a folder) or input 'data' (of stage 'task-data'), got ${got}`);
  }
  if (!data?.startsWith('hf://')) return;
  throw new UserError(
    `'data': expected a folder with local copies, got '${data}': stage 'task-data' downloads, see its parameter 'datasets'`,
  );
}
