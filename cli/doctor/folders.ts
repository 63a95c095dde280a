// Whether the folders that lamina writes into can be written, and how much room there is.
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { hubSettings } from '../../hub/settings.ts';
import { openStore } from '../../store/open-store.ts';
import { UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import { fileError } from '../../util/system-error.ts';
import { freeBytes, nearestAbove } from '../common/free-space.ts';

export interface FolderState {
  readonly path: string;
  readonly exists: boolean;
  /** Why it cannot be used; null where it can, or where it can be made. */
  readonly problem: string | null;
  /** Of the disk that it is or would be on; null where the system does not say. */
  readonly free_bytes: number | null;
}

/** Where the hub's files are kept, and how the hub is reached. */
export interface HubState extends FolderState {
  readonly endpoint: string | null;
  readonly offline: boolean;
}

/** The store in `folder`; what it says of itself is a warning to `say`. Makes nothing. */
export async function storeState(folder: string, say: (sentence: string) => void): Promise<FolderState> {
  const state = folderState(folder);
  const refusal = await sentenceOf(async () => (await openStore(folder, { mode: 'read', say })).close());
  return { ...state, problem: refusal ?? state.problem };
}

/** The cache of the hub, by the environment. Makes nothing and asks nobody. */
export async function hubState(): Promise<HubState> {
  let found: HubState = { path: '', exists: false, problem: null, free_bytes: null, endpoint: null, offline: false };
  const problem = await sentenceOf(() => {
    const { cache, endpoint, offline } = hubSettings();
    found = { ...folderState(cache), endpoint, offline };
  });
  return { ...found, problem: problem ?? found.problem };
}

/** Of the folder, or of the nearest one above it that is there. */
function folderState(path: string): FolderState {
  const whole = resolve(path);
  const place = nearestAbove(whole);
  return { path: whole, exists: place === whole, problem: problemOf(place), free_bytes: freeBytes(place) };
}

function problemOf(place: string): string | null {
  if (statusAt(place)?.isDirectory() !== true) return `expected a folder, but '${place}' is a file`;
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    const told = fileError(error, place, 'cannot write into');
    return told instanceof Error ? told.message : String(told);
  }
}

/** The sentence of a UserError that `work` throws; undefined where it throws none. */
async function sentenceOf(work: () => void | Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
