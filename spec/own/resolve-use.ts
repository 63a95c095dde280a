// What `use` means where it does not name one of lamina's stages: a module by its path, or what a package gives out.
import { statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { whyMissing } from '../../located/missing-path.ts';
import { UserError } from '../../util/errors.ts';
import { exportedFile, findPackage, splitSpecifier } from '../../util/node-packages.ts';

/** True for `./my-metric.mjs`, `/tools/metric.mjs` and `my-package/metric`; names of lamina's stages have no slash. */
export function isModuleName(use: string): boolean {
  return use.includes('/');
}

/** The absolute path of the module that `use` names in a file of `folder`. Throws UserError where there is none. */
export function resolveUse(use: string, folder: string): string {
  const isPath = use.startsWith('.') || isAbsolute(use);
  const path = isPath ? resolve(folder, use) : packageFile(use, folder);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined)
    throw new UserError(`'${use}' ${isPath ? whyMissing(path) : `is '${path}', which does not exist`}`);
  if (!stats.isFile()) throw new UserError(`'${use}' is a folder, expected a module (a file)`);
  return path;
}

function packageFile(use: string, folder: string): string {
  const { name, part } = splitSpecifier(use);
  const found = findPackage(name, folder);
  if (found === undefined) {
    throw new UserError(
      `'${use}': there is no package '${name}' in '${folder}' or above: install it there, or name a file with './${use}'`,
    );
  }
  const file = exportedFile(found, part);
  if (file !== undefined) return file;
  throw new UserError(`'${use}': package '${name}' ${found.version} does not export '${part}'`);
}
