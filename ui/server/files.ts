// The files that the browser loads: the style, and the modules of `page` as they were compiled into the package.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { packageFolder } from '../../util/package-folder.ts';
import { styleSheet } from '../views/frame.ts';

export interface ServedFile {
  type: string;
  bytes: Buffer;
}

/** By their addresses, all of them in memory: no path of a request ever reaches the disk. Throws UserError for a clone that is not built. */
export function servedFiles(): ReadonlyMap<string, ServedFile> {
  const folder = join(packageFolder, 'dist', 'ui', 'page');
  const files = new Map<string, ServedFile>();
  for (const name of namesIn(folder).filter((each) => /^[a-z-]+\.js$/.test(each)))
    files.set(`/page/${name}`, { type: 'text/javascript; charset=utf-8', bytes: readFileSync(join(folder, name)) });
  if (!files.has('/page/main.js'))
    throw new UserError(`the page is not compiled ('${folder}' has no main.js): run npm run build`);
  return files.set('/page/style.css', { type: 'text/css; charset=utf-8', bytes: Buffer.from(styleSheet) });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
