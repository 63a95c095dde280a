// Names of files and folders that are being written, by which those of killed processes are found and removed.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import { namesIn } from '../util/names-in.ts';
import { statOrNone } from './file-identity.ts';
import { identityOf, shortNameOf, stateOfShortName } from './process-identity.ts';

/** A file whose writer cannot be asked counts as left behind after this time: nothing here takes longer than seconds to write. */
const left_ms = 3_600_000;

let writer: string | undefined;

/** A name for an unfinished file or folder; it tells who writes it. */
export function temporaryName(): string {
  writer ??= shortNameOf(identityOf());
  return `${writer}.${randomUUID()}.tmp`;
}

/** True for a name that only lamina gives, now or in stores of version 1 (`result.json.<id>.tmp`): nothing else may be swept. */
export function isTemporary(name: string): boolean {
  return /(?:^|\.)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/.test(name);
}

/** Removes unfinished files and folders of killed processes from `folder`, as far as the system lets us. */
export function sweepTemporaries(folder: string): void {
  for (const name of namesIn(folder)) {
    if (!isTemporary(name) || !isLeft(join(folder, name), name)) continue;
    ignoringErrors(() => rmSync(join(folder, name), { recursive: true }));
  }
}

/** Removes those that stores of version 1 had beside records and the files of runs. */
export function sweepOldPlaces(store: string): void {
  const below = (folder: string) => namesIn(folder).map((name) => join(folder, name));
  const folders = [...['ac', 'ac-alt'].map((name) => join(store, name)), ...below(join(store, 'runs'))];
  for (const folder of folders.flatMap(below)) sweepTemporaries(folder);
}

function isLeft(path: string, name: string): boolean {
  const state = stateOfShortName(name.split('.')[0] ?? '');
  if (state !== 'elsewhere') return state === 'dead';
  const stats = statOrNone(path);
  return stats !== undefined && Date.now() - Number(stats.mtimeMs) > left_ms;
}
