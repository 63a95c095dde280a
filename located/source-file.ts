// Reading spec files: small, regular files of UTF-8 text.
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { hasCode } from '../util/errors.ts';
import { statusAt } from '../util/file-status.ts';
import type { Problems } from './diagnostic.ts';
import type { Source, Span } from './located.ts';
import { whyMissing } from './missing-path.ts';
import { findShipped, isShippedName, type ShippedKind, shippedAs, shippedName } from './shipped.ts';

/** Larger files are not specs. */
export const largestSpec_bytes = 4 * 1024 * 1024;
const tooLarge = `is larger than ${largestSpec_bytes / 1024 / 1024} MiB`;

/** The text of the spec file at an absolute path. Throws NotASpec with what is wrong, or a system error. */
export type ReadText = (path: string) => Promise<string>;

/** Where spec files are read from; the disk when it is not given. */
export interface SpecOrigin {
  read: ReadText;
  /** Follows the shown path of each file: `@HEAD~1`. */
  suffix: string;
}

/** The spec files of one command: each is read once. */
export class SpecFiles {
  readonly cwd: string;
  readonly problems: Problems;
  readonly #origin: SpecOrigin;
  readonly #sources = new Map<string, Source>();

  constructor(cwd: string, problems: Problems, origin: SpecOrigin = { read: readText, suffix: '' }) {
    this.cwd = cwd;
    this.problems = problems;
    this.#origin = origin;
  }

  /** A path as shown to people. */
  shown(path: string): string {
    const name = shippedName(path, this.cwd);
    if (name !== undefined) return name;
    const near = relative(this.cwd, path);
    const shown = near === '' || isAbsolute(near) || near.startsWith('../../..') ? path : near;
    return `${shown}${this.#origin.suffix}`;
  }

  /** The absolute path of what is named in a file of `folder`; a name that lamina does not ship is reported at `from`. */
  locate(name: string, folder: string, from: Span, what: string, kind: ShippedKind): string | undefined {
    if (!isShippedName(name)) return resolve(folder, name);
    const found = findShipped(name, kind);
    if ('path' in found) return found.path;
    this.problems.add(from, `${what} '${name}' ${found.wrong}`);
    return undefined;
  }

  /** Reads a file; a mistake is reported at `from`, where its name is written. */
  async read(path: string, from: Span, what: string, kind: ShippedKind): Promise<Source | undefined> {
    const known = this.#sources.get(path);
    if (known !== undefined) return known;
    try {
      const text = await this.#readerOf(path)(path);
      const source: Source = { name: this.shown(path), text, folder: dirname(path), flag: false };
      this.#sources.set(path, source);
      return source;
    } catch (error) {
      this.problems.add(from, `${what} '${this.shown(path)}' ${this.#complaint(path, kind, error)}`);
      return undefined;
    }
  }

  /** What comes with lamina is no part of the user's history. */
  #readerOf(path: string): ReadText {
    return shippedName(path, this.cwd) === undefined ? this.#origin.read : readText;
  }

  #complaint(path: string, kind: ShippedKind, error: unknown): string {
    if (error instanceof NotASpec) return error.message;
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return missing(path, kind);
    if (hasCode(error, 'EACCES')) return 'may not be read';
    throw error;
  }
}

const gone = 'does not exist';

/** Why there is no such file, with what may have been meant: a neighbour, what comes with lamina, or (on the command line) a parameter. */
function missing(path: string, kind: ShippedKind): string {
  const why = whyMissing(path);
  if (why !== gone) return why;
  const name = basename(path);
  const shipped = shippedAs(name, kind);
  if (shipped !== undefined) return `${gone} (did you mean '${shipped}'?)`;
  if (kind !== 'spec') return `${gone}: a path is relative to the folder of the file that names it`;
  if (/^[\w.-]+=/.test(name)) return `${gone} (did you mean '--set ${name}'?)`;
  const near = specNear(path);
  return near === undefined ? gone : `${gone} (did you mean '${near}'?)`;
}

/** A spec of that name in the folder where specs usually lie, or with the ending that they have. */
function specNear(path: string): string | undefined {
  const [folder, name] = [dirname(path), basename(path)];
  const endings = /\.ya?ml$/.test(name) ? [''] : ['.yaml', '.yml'];
  const names = ['', 'experiments/'].flatMap((place) => endings.map((ending) => `${place}${name}${ending}`));
  return names.find((each) => statusAt(join(folder, each))?.isFile());
}

/** A file that cannot be a spec; the message goes on after its name: `is a folder, expected a file`. */
export class NotASpec extends Error {}

/** The text of a spec file on the disk. */
export async function readText(path: string): Promise<string> {
  const status = await stat(path);
  if (status.isDirectory()) throw new NotASpec('is a folder, expected a file');
  if (!status.isFile()) throw new NotASpec('is not a regular file');
  if (status.size > largestSpec_bytes) throw new NotASpec(tooLarge);
  return specText(await readFile(path));
}

/** The text of a spec file's bytes. Throws NotASpec for what is no UTF-8, and for too much of it. */
export function specText(bytes: Uint8Array): string {
  if (bytes.length > largestSpec_bytes) throw new NotASpec(tooLarge);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (hasCode(error, 'ERR_ENCODING_INVALID_ENCODED_DATA')) throw new NotASpec('is not UTF-8 text');
    throw error;
  }
}
