// Names the code of a stage of the user's own: its module, all that this imports by path, and the versions of the packages that it imports.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, extname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson, type JsonObject } from '../util/json.ts';
import { findPackage, internalFile, isBuiltin, splitSpecifier } from '../util/node-packages.ts';
import { fileError } from '../util/system-error.ts';
import { type BlobRef, sha256 } from './digest.ts';
import { importsIn } from './module-imports.ts';

/** Files whose text is looked through for imports; others (JSON, data) count by their bytes. */
const modules = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** What `require` adds to a path that is no file. */
const endings = ['', '.js', '.json', '.cjs', '/index.js', '/index.json'];

/** Ourselves: what lamina publishes for stages decides no result, so that an update of lamina runs nothing again. */
const own = 'lamina';

/**
 * The digest of the module at an absolute path and of everything that it reaches by relative imports, each named by its place beside the
 * module, which itself has no name: neither its own name nor where it lies is part of it. Throws UserError for a file that cannot be read.
 */
export function digestCode(module: string): BlobRef {
  const real = realPath(module); // as Node does before it looks for imports: a link may lead elsewhere
  const listing = new CodeListing(dirname(real));
  listing.add(real, '');
  return listing.digest();
}

/** The files that its digest is taken over, absolute. Throws UserError as `digestCode` does. */
export function codeFiles(module: string): string[] {
  const real = realPath(module);
  const listing = new CodeListing(dirname(real));
  listing.add(real, '');
  return listing.files();
}

class CodeListing {
  readonly #folder: string;
  readonly #files = new Map<string, JsonObject>();
  readonly #packages = new Map<string, string>();
  #size = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(path: string, name = relative(this.#folder, path).split(sep).join('/')): void {
    if (this.#files.has(path)) return;
    const bytes = read(path);
    this.#size += bytes.length;
    this.#files.set(path, { name, digest: sha256(bytes) });
    if (!modules.includes(extname(path))) return;
    for (const specifier of importsIn(bytes.toString('utf8'))) this.#follow(specifier, path);
  }

  files(): string[] {
    return [...this.#files.keys()];
  }

  digest(): BlobRef {
    const files = [...this.#files.values()].sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
    const packages = Object.fromEntries(this.#packages);
    return { digest: sha256(canonicalJson({ files, packages })), size: this.#size };
  }

  #follow(specifier: string, from: string): void {
    const folder = dirname(from);
    const isPath = /^(\.|\/|file:)/.test(specifier);
    const path = isPath
      ? pathOf(specifier, folder)
      : specifier.startsWith('#')
        ? internalFile(specifier, folder)
        : undefined;
    const file = path && endings.map((ending) => path + ending).find(isFile);
    if (file !== undefined) this.add(realPath(file));
    if (isPath || specifier.startsWith('#') || isBuiltin(specifier)) return;
    const { name } = splitSpecifier(specifier);
    const found = name === own ? undefined : findPackage(name, folder);
    if (found !== undefined) this.#packages.set(name, found.version);
  }
}

function pathOf(specifier: string, folder: string): string | undefined {
  try {
    return specifier.startsWith('file:') ? fileURLToPath(specifier) : resolve(folder, specifier.replace(/[?#].*$/, ''));
  } catch {
    return undefined;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // reading it will say what is wrong
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(error, path, 'cannot read');
  }
}
