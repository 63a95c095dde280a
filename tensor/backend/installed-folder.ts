// Where `lamina doctor --install` puts libraries, and where backends look for them.
import { join } from 'node:path';

/** What can be installed. */
export type Installable = 'tensorflow' | 'cuda';

/** `.gpu/tensorflow` of the current folder: everything of one library, whole or not there. */
export function installedFolder(name: Installable): string {
  return join(process.cwd(), '.gpu', name);
}
