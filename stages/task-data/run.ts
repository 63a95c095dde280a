// The work of task-data: every split that the tasks read, from its source, checked for its form, in one file.
import type { ContextOf } from '../../contract/define.ts';
import { JsonLinesWriter } from '../../formats/records/jsonl-writer.ts';
import { readRecords } from '../../formats/records/records.ts';
import { selectTasks } from '../../tasks/files/groups.ts';
import { loadFunctions } from '../../tasks/files/own-functions.ts';
import type { TaskConfig } from '../../tasks/files/task-config.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import { scoredSplit, splitsRead } from '../../tasks/score/prepare.ts';
import { mostRecords, splitFiles } from '../../tasks/score/task-data.ts';
import type { TaskDataLine } from '../../tasks/score/task-data-file.ts';
import { taskRecords } from '../../tiny/tasks/tiny-task.ts';
import { tinyTasks } from '../../tiny/tasks/tiny-tasks.ts';
import { UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import { type TaskDataParams, type taskData, wantsExamples } from './declare.ts';
import { taskFiles } from './task-files.ts';

type Context = ContextOf<typeof taskData>;

export async function gatherTaskData(context: Context): Promise<void> {
  const [unit] = context.units;
  const params = context.params;
  const writer = await JsonLinesWriter.create<TaskDataLine>(unit.outputs.data);
  try {
    const facts = params.generate === undefined ? await copy(params, writer, context) : await generate(params, writer);
    await writer.flush();
    await unit.done(facts);
  } finally {
    await writer.close();
  }
}

/** The scored records of all tasks, and how many tasks there are; for the estimates of stages that read them. */
interface TaskDataFacts extends JsonObject {
  records: number;
  tasks: number;
}

async function generate(params: TaskDataParams, writer: JsonLinesWriter<TaskDataLine>): Promise<TaskDataFacts> {
  const { records, example_records, generate_seed } = params;
  for (const tiny of tinyTasks) {
    const splits: [string | undefined, number][] = [
      [tiny.scored, records],
      [tiny.examples, example_records],
    ];
    for (const [split, count] of splits) {
      if (split === undefined) continue;
      for (const record of taskRecords(tiny, split, count, generate_seed))
        await writer.write({ task: tiny.task, split, record });
    }
  }
  return { records: records * tinyTasks.length, tasks: tinyTasks.length };
}

async function copy(
  params: TaskDataParams,
  writer: JsonLinesWriter<TaskDataLine>,
  context: Context,
): Promise<TaskDataFacts> {
  const { tasks } = await selectTasks(
    await TaskFolder.open(params.folder as string, await loadFunctions(params.functions)),
    [params.tasks ?? []].flat(),
  );
  let records = 0;
  for (const [i, config] of tasks.entries()) {
    context.signal.throwIfAborted();
    context.progress({ done: i, total: tasks.length, of: 'task', note: config.task });
    for (const split of splitsRead(config, wantsExamples(config, params))) {
      const count = await copySplit(config, split, params, writer, context);
      if (split === scoredSplit(config)) records += count;
    }
  }
  return { records, tasks: tasks.length };
}

async function copySplit(
  config: TaskConfig,
  split: string,
  { path, datasets }: TaskDataParams,
  writer: JsonLinesWriter<TaskDataLine>,
  context: Context,
): Promise<number> {
  const files =
    path === undefined
      ? await taskFiles(config, split, datasets ?? {}, context)
      : await splitFiles(path, config, split);
  let count = 0;
  for (const file of files) {
    for await (const { value, where } of readRecords(file)) {
      if (count++ === mostRecords) throw new UserError(`${where}: a split of more than ${mostRecords} records`);
      await writer.write({ task: config.task, split, record: value as JsonObject });
    }
  }
  return count;
}
