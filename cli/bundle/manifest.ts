// The list of a bundle's files with their digests: all that a reader believes of a bundle is held against it.
import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { readTextIfThere } from '../../formats/text/text.ts';
import { isSafePath } from '../../hub/name.ts';
import { digestFile } from '../../store/digest.ts';
import { UserError } from '../../util/errors.ts';
import { fields, index, list, misshape, oneOf, type Shape, text } from '../../util/shape.ts';

/** The file `bundle.json`. */
export interface Manifest {
  format: 'lamina-bundle';
  version: 1;
  lamina: string;
  experiment: string;
  profile: string;
  flags: readonly string[];
  /** The spec, its lock and its outcome, as paths in the bundle. */
  spec: string;
  lock: string;
  outcome: string;
  /** Inputs that stages read and that are not in the bundle: too large, from the hub, or from outside of the project. */
  left_out: readonly string[];
  files: readonly BundledFile[];
}

export interface BundledFile {
  path: string;
  size: number;
  digest: string;
}

export const manifestName = 'bundle.json';
const largestManifest_bytes = 64 * 1024 * 1024;
const deepest = 16;
/** What lamina itself writes when somebody works in a bundle. */
const ownFolder = '.lamina';

const manifestShape: Shape<Manifest> = fields({
  format: oneOf('lamina-bundle'),
  version: oneOf(1),
  lamina: text,
  experiment: text,
  profile: text,
  flags: list(text),
  spec: text,
  lock: text,
  outcome: text,
  left_out: list(text),
  files: list(fields<BundledFile>({ path: text, size: index, digest: text })),
});

/** The files below a folder, by their paths, with digests; links and special files are none. */
export async function filesOf(folder: string): Promise<BundledFile[]> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
  const files: BundledFile[] = [];
  for (const path of paths) files.push({ path, ...(await digestFile(join(folder, path))) });
  return files;
}

/** The manifest of the bundle in a folder; undefined where it is none. Throws UserError for one that cannot be believed. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, manifestName);
  const content = await readTextIfThere(path, 'the list of the bundle', largestManifest_bytes);
  if (content === undefined) return undefined;
  const value = parseStrictJson(content, `'${path}'`, deepest);
  const wrong = misshape(manifestShape, value);
  if (wrong !== undefined) throw new UserError(`'${path}' is not the list of a bundle: ${wrong}`);
  const manifest = value as Manifest;
  const listed = new Set(manifest.files.map((file) => file.path));
  const odd = [...listed, manifest.outcome].find((each) => !isSafePath(each));
  if (odd !== undefined)
    throw new UserError(`'${path}' names a file that cannot be ('${odd}'): the bundle is damaged or means harm`);
  for (const needed of [manifest.spec, manifest.lock, `${manifest.outcome}/cells.json`]) {
    if (needed.startsWith('lamina:') || listed.has(needed)) continue;
    throw new UserError(`'${path}' does not list '${needed}': the bundle is damaged`);
  }
  return manifest;
}

/** What is not as it was written, in sentences. Only regular files inside the folder are read, and of these those whose size is right. */
export async function damagesOf(folder: string, { files }: Manifest, signal?: AbortSignal): Promise<string[]> {
  const damages: string[] = [];
  for (const { path, size, digest } of files) {
    signal?.throwIfAborted();
    const wrong = await damageOf(folder, path, { size, digest }, signal);
    if (wrong !== undefined) damages.push(`'${join(folder, path)}' ${wrong}`);
  }
  const listed = new Set([...files.map((file) => file.path), manifestName]);
  const added = (await filesBelow(folder)).filter((path) => !listed.has(path));
  return [...damages, ...added.map((path) => `'${join(folder, path)}' is not in the list of the bundle`)];
}

async function damageOf(
  folder: string,
  path: string,
  { size, digest }: { size: number; digest: string },
  signal?: AbortSignal,
): Promise<string | undefined> {
  const file = join(folder, path);
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return 'is gone';
  if (!stats.isFile()) return 'is no file, but a link, a folder or a device';
  if (!realpathSync(file).startsWith(realpathSync(folder) + sep)) return 'leads out of the bundle';
  if (stats.size !== size) return `has ${stats.size} bytes, expected ${size}`;
  return (await digestFile(file, signal)).digest === digest ? undefined : 'was changed';
}

/** What somebody put there; what lamina wrote while it worked there is no matter. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  const paths = entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return paths.filter((path) => !path.startsWith(`${ownFolder}/`)).sort();
}
