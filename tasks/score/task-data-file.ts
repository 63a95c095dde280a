// The artifact of the stage task-data: records of all tasks in one file, each with its task and split.
import { readTextLines } from '../../formats/text/lines.ts';
import { parseJson } from '../../formats/text/strict-json.ts';
import { UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import { type ReadSplit, type Row, recordsOf } from './task-data.ts';

/** A record and where it belongs; the keys in this order. */
export interface TaskDataLine {
  task: string;
  split: string;
  record: JsonObject;
}

/** Splits from the artifact `path`, as a task's name and split find them there. */
export function splitsInArtifact(path: string): ReadSplit {
  return async (config, split) => recordsOf(config, rowsOf(path, config.task, split));
}

/** The file is read again for each task: it is small beside what a model makes of it, and only one task's records are held. */
async function* rowsOf(path: string, task: string, split: string): AsyncGenerator<Row> {
  const start = `{"task":${JSON.stringify(task)},"split":${JSON.stringify(split)},`;
  let count = 0;
  for await (const { text } of readTextLines(path, 'task data')) {
    if (!text.startsWith(start)) continue;
    const where = `record ${++count} of task '${task}' (split '${split}')`;
    yield { value: (parseJson(text, where) as TaskDataLine).record, where };
  }
  if (count > 0) return;
  throw new UserError(
    `the task data has no records for split '${split}' of task '${task}': name the task in 'tasks' of stage 'task-data' (and 'fewshot: true' for examples)`,
  );
}
