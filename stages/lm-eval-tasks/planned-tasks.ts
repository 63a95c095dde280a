// Looks up the task files and the splits that a stage will read, so that a misspelt name is not found after hours of training.
import { selectTasks } from '../../tasks/files/groups.ts';
import { loadFunctions } from '../../tasks/files/own-functions.ts';
import type { TaskConfig } from '../../tasks/files/task-config.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import { splitsRead } from '../../tasks/score/prepare.ts';
import { splitFiles } from '../../tasks/score/task-data.ts';

interface PlannedTasks {
  readonly folder: string;
  readonly tasks: string | readonly string[];
  /** A folder of records, where they are not made by a stage. */
  readonly data?: string | undefined;
  /** A module with functions of task files. */
  readonly functions?: string | undefined;
}

/** Throws UserError for a name that the folder does not have, a mistake in a task file, a split without a file in `data`. */
export async function checkTasks(
  { folder, tasks: names, data, functions }: PlannedTasks,
  hasExamples: (config: TaskConfig) => boolean,
): Promise<void> {
  const { tasks } = await selectTasks(await TaskFolder.open(folder, await loadFunctions(functions)), [names].flat());
  if (data === undefined) return;
  for (const config of tasks) {
    for (const split of splitsRead(config, hasExamples(config))) await splitFiles(data, config, split);
  }
}
