// Where the value of --store becomes a store: the one place that a tier elsewhere would be added to.
import { type FileStoreOptions, openFileStore } from './file-store.ts';
import type { Store } from './store.ts';

/** Opens the store at `place`, which is a folder. Throws UserError as `openFileStore` does. */
export function openStore(place: string, options: FileStoreOptions): Promise<Store> {
  return openFileStore(place, options);
}
