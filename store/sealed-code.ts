// The code of lamina's own stages as it was sealed: by its files' digests it is known whether a stage still is what its version says.
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { findPackage, isBuiltin, splitSpecifier } from '../util/node-packages.ts';
import { digestCode } from './code-digest.ts';
import { type BlobRef, sha256 } from './digest.ts';
import { importsIn } from './module-imports.ts';

/** What modules are made of: each file below their folder with its digest, each package with its version. */
export interface Seal {
  readonly files: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, string>>;
}

/** As many hexadecimal digits of a file's digest as are kept: 64 bits, against edits and not against enemies. */
const digits = 16;

/** The seal of everything that `modules` (paths below `folder`) reach by imports. */
export function sealOf(folder: string, modules: readonly string[]): Seal {
  const files = new Map<string, string>();
  const packages = new Map<string, string>();
  const pending = modules.map((module) => join(folder, module));
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const name = nameIn(folder, path);
    if (files.has(name)) continue;
    const text = textAt(path);
    files.set(name, digestOf(text));
    for (const specifier of text === undefined ? [] : importsIn(text)) {
      if (specifier.startsWith('.')) pending.push(resolve(dirname(path), specifier));
      else note(specifier, folder, packages);
    }
  }
  return { files: sorted(files), packages: sorted(packages) };
}

/** Of what `seal` says, the files and packages that are something else now. */
export function changesSince(seal: Seal, folder: string): Set<string> {
  const files = Object.entries(seal.files).filter(([name, digest]) => digestOf(textAt(join(folder, name))) !== digest);
  const packages = Object.entries(seal.packages).filter(
    ([name, version]) => findPackage(name, folder)?.version !== version,
  );
  return new Set([...files, ...packages].map(([name]) => name));
}

/** Which of these changes a stage's modules reach, and the digest of their code; undefined where they reach none. */
export function changedCode(
  changes: ReadonlySet<string>,
  folder: string,
  modules: readonly string[],
): { code: BlobRef; changed: string[] } | undefined {
  if (changes.size === 0) return undefined;
  const { files, packages } = sealOf(folder, modules);
  const changed = [...Object.keys(files), ...Object.keys(packages)].filter((name) => changes.has(name));
  if (changed.length === 0) return undefined;
  const parts = modules.map((module) => digestCode(join(folder, module)));
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return { code: { digest: sha256(parts.map(({ digest }) => digest).join(' ')), size }, changed };
}

function note(specifier: string, folder: string, packages: Map<string, string>): void {
  if (isBuiltin(specifier)) return;
  const { name } = splitSpecifier(specifier);
  const found = /^(@[\w.-]+\/)?[\w.-]+$/.test(name) ? findPackage(name, folder) : undefined;
  if (found !== undefined) packages.set(name, found.version);
}

function nameIn(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}

/** Undefined for what is not there: a text that only looks like an import, or a file that somebody took away. */
function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function digestOf(text: string | undefined): string {
  return text === undefined ? 'absent' : sha256(text).slice(0, digits);
}

function sorted(entries: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
