// The store's folder for commands that look at what lies in it.
import { openStore } from '../../store/open-store.ts';
import type { LocalStore } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import type { Context } from './context.ts';
import { saying } from './saying.ts';

/** Makes sure that `place` is a store that this lamina understands, or none yet; its absolute path. Throws UserError. */
export async function openedToRead(place: string, context: Context): Promise<string> {
  const store = await openStore(place, { mode: 'read', say: saying(context) });
  store.close();
  return store.folder;
}

/** The store in `place`, to change what is in it. Throws UserError also where there is none: to open one would make it. */
export async function openedToChange(place: string, context: Context): Promise<LocalStore> {
  if (statusAt(place) === undefined)
    throw new UserError(`there is no store '${place}': name one with --store, or run a spec first`);
  return openStore(place, { mode: 'write', say: saying(context) });
}
