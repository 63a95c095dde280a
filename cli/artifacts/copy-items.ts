// Artifacts out of the store, under readable names.
import { chmod, copyFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { definitionOf } from '../../contract/registry.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import type { PlanItem } from '../../runner/survey/inspect.ts';
import { type BlobRef, digestFile } from '../../store/digest.ts';
import type { Damage, Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { makeFolders } from '../../util/make-folders.ts';
import { damagedText } from '../common/damaged-text.ts';

export interface CopyOrder {
  to: string;
  /** The command that makes what has not run yet. */
  first: string;
  /** The command that makes a stage again. */
  again: (stage: string) => string;
  registry: StageRegistry;
  /** Stops it between two files, by throwing the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Copies every output to `<to>/<output>.<extension>` (or the name that the stage gives it), in a folder of its own for each unit and cell. Returns
 * where they lie. Throws UserError for what has not run, is damaged, or cannot be written.
 */
export async function copyItems(
  items: readonly PlanItem[],
  store: Store,
  { to, first, again, registry, signal }: CopyOrder,
): Promise<string[]> {
  const missing = items.find(({ record }) => record === null);
  if (missing !== undefined) {
    throw new UserError(`'${missing.node.id}' has no result in the store yet: run it first with '${first}'`);
  }
  const several = new Set(items.map(({ node }) => node.id)).size > 1;
  const copied: string[] = [];
  for (const { node, unit, record } of items) {
    const folder = join(to, several ? fileName(node.cell) : '', fileName(unit));
    const outputs = definitionOf(registry, node)?.outputs ?? {};
    const { file_names } = record?.facts ?? {};
    for (const [output, artifact] of Object.entries(record?.outputs ?? {})) {
      signal?.throwIfAborted();
      const own = isObject(file_names) ? file_names[output] : undefined;
      const usual = outputs[output]?.file_name ?? `${output}.${artifact.extension}`;
      const path = join(folder, ...(typeof own === 'string' ? own : usual).split('/').map(fileName));
      const damage = await copyTo(path, artifact, store);
      if (damage !== undefined) throw new UserError(`${damagedText(node, output, damage)} with '${again(node.stage)}'`);
      copied.push(path);
    }
  }
  return copied;
}

/**
 * Copies one artifact, under its name only when it is whole, which is seen on the copy's own bytes. Returns what is wrong with it in the
 * store, if anything is. Throws UserError when it cannot be written.
 */
async function copyTo(path: string, artifact: BlobRef, store: Store): Promise<Damage | undefined> {
  const missing = await store.check(artifact, 'glance');
  if (missing !== undefined) return missing;
  const part = `${path}.part`;
  const from = await store.open(artifact);
  try {
    makeFolders(dirname(path));
    await copyFile(from.path, part);
    await chmod(part, 0o644); // artifacts are read-only, a copy is the user's
    if ((await digestFile(part)).digest === artifact.digest) {
      await rename(part, path);
      return undefined;
    }
    await rm(part);
  } catch (error) {
    throw new UserError(`cannot write '${path}': ${(error as Error).message}`, { cause: error });
  }
  return (
    (await store.check(artifact, 'bytes')) ?? { detail: 'came out with other bytes when it was copied', suspects: [] }
  );
}

/** A cell's or unit's name as one part of a path: `layer 4` stays, a slash does not. */
function fileName(name: string): string {
  return name.replace(/[/\\\0]/g, '_').replace(/^\.+/, '_');
}
