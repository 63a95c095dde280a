// The store's folder for commands that look at what lies in it.
import { openStore } from '../../store/open-store.ts';
import type { Context } from './context.ts';
import { saying } from './saying.ts';

/** Makes sure that `place` is a store that this lamina understands, or none yet; its absolute path. Throws UserError. */
export async function openedToRead(place: string, context: Context): Promise<string> {
  const store = await openStore(place, { mode: 'read', say: saying(context) });
  store.close();
  return store.folder;
}
