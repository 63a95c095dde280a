// Where the value of --store becomes a store; a tier elsewhere is put around it by remote/open-shared.ts.
import { type FileStoreOptions, openFileStore } from './file-store.ts';
import type { LocalStore } from './store.ts';

/** Opens the store at `place`, which is a folder. Throws UserError as `openFileStore` does. */
export function openStore(place: string, options: FileStoreOptions): Promise<LocalStore> {
  return openFileStore(place, options);
}
