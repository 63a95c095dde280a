// Where the records of a task's split lie: in a folder, or in a repository of the hub, by the layouts that data sets have there.
import type { StageContext } from '../../contract/stage.ts';
import { fetchSplit } from '../../hub/fetch-split.ts';
import { hubName, isHubName } from '../../hub/name.ts';
import { resolveRevision } from '../../hub/revision.ts';
import { hubSettings } from '../../hub/settings.ts';
import type { TaskConfig } from '../../tasks/files/task-config.ts';
import { splitFilesIn } from '../../tasks/score/task-data.ts';
import { UserError } from '../../util/errors.ts';
import { downloadProgress } from '../common/download-progress.ts';

/** The files of a split, in order; downloads what is on the hub and not in the cache. */
export async function taskFiles(
  config: TaskConfig,
  split: string,
  datasets: Readonly<Record<string, string>>,
  { signal, progress }: StageContext,
): Promise<string[]> {
  const { task, dataset_path = task, dataset_name } = config;
  const place = Object.hasOwn(datasets, dataset_path) ? datasets[dataset_path] : undefined;
  if (place === undefined) {
    throw new UserError(
      `task '${task}' reads '${dataset_path}', which 'datasets' does not name: add '${dataset_path}: hf://datasets/${dataset_path}' or the folder of a copy`,
    );
  }
  if (!isHubName(place)) return splitFilesIn(place, config, split);
  const settings = hubSettings();
  const name = hubName(place);
  const revision = await resolveRevision(name, settings);
  const options = { settings, signal, onProgress: downloadProgress(progress) };
  return fetchSplit({ ...name, revision }, { config: dataset_name, split }, options);
}
