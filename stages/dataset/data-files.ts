// The files that a data parameter names: one file, the data files of a folder, or those of a data set on the hub.
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import type { StageContext } from '../../contract/stage.ts';
import { type DataFile, fetchDataset } from '../../hub/fetch-dataset.ts';
import { hubName, isHubName } from '../../hub/name.ts';
import { resolveRevision } from '../../hub/revision.ts';
import { selectFolderData } from '../../hub/select-data.ts';
import { hubSettings } from '../../hub/settings.ts';
import { downloadProgress } from '../common/download-progress.ts';

/**
 * The data files of `path` in name order, each with the name that its records go by: the file's own, with its folders where two
 * files would share it. Downloads what is on the hub and not in the cache.
 */
export async function dataFiles(path: string, context: StageContext): Promise<DataFile[]> {
  const files = isHubName(path) ? await hubFiles(path, context) : await localFiles(path);
  const names = new Set(files.map(({ name }) => basename(name)));
  return names.size < files.length ? files : files.map((file) => ({ ...file, name: basename(file.name) }));
}

async function hubFiles(path: string, { signal, progress }: StageContext): Promise<DataFile[]> {
  const settings = hubSettings();
  const name = hubName(path);
  const revision = await resolveRevision(name, settings);
  return fetchDataset({ ...name, revision }, { settings, signal, onProgress: downloadProgress(progress) });
}

/** The data files of a file or a folder of this machine, each by its path within it. */
export async function localFiles(path: string): Promise<DataFile[]> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
  if (!isFolder) return [{ name: basename(path), path }];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const names = files.map((file) => relative(path, file).split(sep).join('/'));
  return selectFolderData(names, `folder '${path}'`).map((name) => ({ name, path: join(path, name) }));
}
