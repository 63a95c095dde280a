// Packages of npm as Node finds them: by the folders named node_modules, from one folder upwards.
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { isObject } from './json.ts';

/** A package that is installed. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  /** The fields `exports`, `imports` and `main` of its package.json. */
  readonly exports: unknown;
  readonly imports: unknown;
  readonly main: unknown;
}

/** `@scope/name` and `./part` of `@scope/name/part`; the part is `.` where none is named. */
export function splitSpecifier(specifier: string): { name: string; part: string } {
  const pieces = specifier.split('/');
  const length = specifier.startsWith('@') ? 2 : 1;
  const part = pieces.slice(length).join('/');
  return { name: pieces.slice(0, length).join('/'), part: part === '' ? '.' : `./${part}` };
}

/** True for what Node brings along. */
export function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

/** The package that a module in `folder` gets by this name; undefined where none is installed. */
export function findPackage(name: string, folder: string): InstalledPackage | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = packageAt(join(at, 'node_modules', name), name);
    if (found !== undefined || dirname(at) === at) return found;
  }
}

function packageAt(folder: string, name: string): InstalledPackage | undefined {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) return undefined;
  try {
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const { version = '', exports, imports, main } = isObject(json) ? json : {};
    return { name, version: String(version), folder, exports, imports, main };
  } catch {
    return undefined; // importing it will say what is wrong
  }
}

/** The file that a package means by a name of its own (`#words`), for a module in `folder`; undefined where it names none. */
export function internalFile(specifier: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = packageAt(at, '');
    const target = isObject(found?.imports) ? targetOf(found.imports[specifier]) : undefined;
    if (found !== undefined || dirname(at) === at) return target === undefined ? undefined : join(at, target);
  }
}

/** The file that `part` of a package is for an import; undefined where the package does not give it out. */
export function exportedFile({ folder, exports, main }: InstalledPackage, part: string): string | undefined {
  if (exports === undefined || exports === null) {
    return join(folder, part === '.' ? (typeof main === 'string' ? main : 'index.js') : part);
  }
  const bySubpath = isObject(exports) && Object.keys(exports).some((key) => key.startsWith('.'));
  const target = bySubpath ? exports[part] : part === '.' ? exports : undefined;
  const file = targetOf(target);
  return file === undefined ? undefined : join(folder, file);
}

/** The first target whose condition holds for an import, as Node goes through them. */
function targetOf(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (Array.isArray(target)) return target.map(targetOf).find((each) => each !== undefined);
  if (!isObject(target)) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    const found = ['node', 'import', 'default'].includes(condition) ? targetOf(inner) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
