// Where this package lies: beside its package.json, in a clone as in node_modules.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The folder of package.json: one above this file, or two where it is compiled. */
export const packageFolder: string = ['..', '../..']
  .map((up) => resolve(import.meta.dirname, up))
  .find((folder) => existsSync(join(folder, 'package.json'))) as string;
