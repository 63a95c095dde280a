// task-data: the records that tasks of lm-evaluation-harness read, generated, from a folder or from the hub, as one artifact.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import type { TaskConfig } from '../../tasks/files/task-config.ts';
import { UserError } from '../../util/errors.ts';
import { generatedTaskRecords } from '../common/expected-facts.ts';
import { object } from '../common/options.ts';
import { taskDataCost } from '../costs/data.ts';

const params = object({
  generate: Type.Optional(
    Type.Enum(['tiny_world'], {
      description:
        "records about the tiny profile's world for all tasks of tasks/definitions; give this, path or datasets",
    }),
  ),
  generate_seed: Type.Integer({ minimum: 0, default: 1, description: 'stream of the generator' }),
  records: Type.Integer({
    minimum: 1,
    maximum: 100_000,
    default: 200,
    description: 'generated records of each split that is scored',
  }),
  example_records: Type.Integer({
    minimum: 1,
    maximum: 100_000,
    default: 32,
    description: 'generated records of each split that examples are drawn from',
  }),
  path: Type.Optional(
    Type.String({ format: 'path', description: 'a folder with local copies, laid out as for lm-eval-tasks' }),
  ),
  datasets: Type.Optional(
    Type.Record(Type.String(), Type.String({ format: 'path' }), {
      description:
        "where each data set is, by the dataset_path of the task files: hf://datasets/org/name, or a folder with the repository's files",
    }),
  ),
  folder: Type.Optional(
    Type.String({ format: 'path', description: 'task files, as for lm-eval-tasks; with path or datasets' }),
  ),
  tasks: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
      description: 'names of tasks, groups or tags whose records are wanted; with path or datasets',
    }),
  ),
  functions: Type.Optional(
    Type.String({
      format: 'path',
      description:
        'a module with the Python functions of task files that are not built in, written in JavaScript (docs/tasks.md)',
    }),
  ),
  fewshot: Type.Boolean({
    default: false,
    description: 'also the examples of tasks that want none by themselves, for num_fewshot of lm-eval-tasks',
  }),
});
export type TaskDataParams = Static<typeof params>;

export const taskData = declareStage({
  name: 'task-data',
  version: 1,
  summary: "generates, copies or downloads the records that lm-eval-tasks' tasks read",
  reference: 'layouts of the data sets on the Hugging Face Hub; docs/tasks.md',
  params,
  inputs: {},
  outputs: {
    data: { kind: 'tasks', summary: 'records by task and split, one JSON object per line', extension: 'jsonl' },
  },
  numeric: false,
  seeded: false,
  check: checkSources,
  async preflight(given) {
    const { generate, path, folder = '', tasks = [] } = given;
    if (generate !== undefined) return [];
    const { checkTasks } = await import('../lm-eval-tasks/planned-tasks.ts');
    await checkTasks({ folder, tasks, data: path, functions: given.functions }, (config) =>
      wantsExamples(config, given),
    );
    return [];
  },
  expect: async (params) => generatedTaskRecords(params),
  cost: taskDataCost,
});

function checkSources({ generate, path, datasets, folder, tasks }: TaskDataParams): void {
  const given = Object.entries({ generate, path, datasets }).flatMap(([key, value]) => (value ? [`'${key}'`] : []));
  if (given.length !== 1) {
    const got = given.length === 0 ? 'none' : given.join(' and ');
    throw new UserError(`expected one of 'generate', 'path' and 'datasets', got ${got}`);
  }
  if (generate === undefined && (folder === undefined || tasks === undefined))
    throw new UserError(`${given[0]} needs 'folder' (task files) and 'tasks' (which of them)`);
}

/** Whether a task's examples are among the records: where it has some by itself, or may be given some. */
export function wantsExamples({ num_fewshot }: Pick<TaskConfig, 'num_fewshot'>, { fewshot }: TaskDataParams): boolean {
  return num_fewshot === undefined ? fewshot : num_fewshot > 0;
}
