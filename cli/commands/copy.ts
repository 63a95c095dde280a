// `lamina copy`: takes the artifacts of a stage out of the store, under readable names.
import { chmod, copyFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import { definitionOf } from '../../contract/registry.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { expectedNames } from '../../located/nearest.ts';
import { inspect, type PlanItem } from '../../runner/survey/inspect.ts';
import { type BlobRef, digestFile } from '../../store/digest.ts';
import { openStore } from '../../store/open-store.ts';
import type { Damage, Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { makeFolders } from '../../util/make-folders.ts';
import type { Context } from '../common/context.ts';
import { damagedText } from '../common/damaged-text.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { saying } from '../common/saying.ts';
import { planCommand, shortPath } from '../common/spec-name.ts';
import { isNamed, stageNames } from '../common/why-subject.ts';
import { wantedPlan } from '../runs/run-reference.ts';

interface CopyFlags extends PlanFlags {
  to: string;
}

/** Prints where the files lie, with `--json` as a list. Copies every output of the stage to `<to>/<output>.<extension>` (or the name that the stage gives it), in a folder of its own for each unit and cell. */
export async function copy([text, stage]: [string, string], given: CopyFlags, context: Context): Promise<number> {
  const registry = await context.registry();
  const { spec, flags, plan, changed } = await wantedPlan(text, given, registry);
  if (changed !== undefined) throw new UserError(`${changed}: its files cannot be found by it`);
  const store = await openStore(flags.store, { mode: 'read', say: saying(context) });
  try {
    const { items } = await inspect(plan, registry, store);
    const wanted = items.filter(({ node }) => isNamed(node, stage));
    if (wanted.length === 0) throw unknownStage(plan, stage);
    const first = planCommand('run', spec, flags);
    const again = (name: string) => planCommand('run', spec, flags, '--force', name);
    const copied = (await copyItems(wanted, store, { to: flags.to, first, again, registry })).map(shortPath);
    const { out } = context.terminal;
    out.write(flags.json ? `${JSON.stringify(copied, undefined, 1)}\n` : copied.map((path) => `${path}\n`).join(''));
  } finally {
    store.close();
  }
  return exitCodes.done;
}

interface CopyOrder {
  to: string;
  /** The command that makes what has not run yet. */
  first: string;
  /** The command that makes a stage again. */
  again: (stage: string) => string;
  registry: StageRegistry;
}

async function copyItems(
  items: readonly PlanItem[],
  store: Store,
  { to, first, again, registry }: CopyOrder,
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

function unknownStage(plan: Plan, stage: string): UserError {
  const names = stageNames(plan);
  return new UserError(`unknown stage '${stage}'${expectedNames(stage, names, 'the spec has none')}`);
}
