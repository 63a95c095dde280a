// `lamina copy`: takes the artifacts of a stage out of the store, under readable names.
import { chmod, copyFile, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inspect, type PlanItem } from '../../runner/inspect.ts';
import { expectedNames } from '../../spec/nearest.ts';
import type { Plan } from '../../spec/plan.ts';
import type { StageRegistry } from '../../spec/stage.ts';
import { openFileStore } from '../../store/file-store.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { PlanFlags } from '../flags.ts';
import { planOf } from '../plan-request.ts';
import { planCommand, shortPath } from '../spec-name.ts';
import { isNamed, stageNames } from '../why-subject.ts';

interface CopyFlags extends PlanFlags {
  to: string;
}

/** Prints where the files lie, with `--json` as a list. Copies every output of the stage to `<to>/<output>.<extension>` (or the name that the stage gives it), in a folder of its own for each unit and cell. */
export async function copy([spec, stage]: [string, string], flags: CopyFlags, context: Context): Promise<number> {
  const registry = await context.registry();
  const plan = await planOf(spec, flags, registry);
  const store = await openFileStore(flags.store, { mode: 'read' });
  try {
    const { items } = await inspect(plan, registry, store);
    const wanted = items.filter(({ node }) => isNamed(node, stage));
    if (wanted.length === 0) throw unknownStage(plan, stage);
    const first = planCommand('run', spec, flags);
    const copied = (await copyItems(wanted, store, { to: flags.to, first, registry })).map(shortPath);
    const { out } = context.terminal;
    out.write(flags.json ? `${JSON.stringify(copied, undefined, 1)}\n` : copied.map((path) => `${path}\n`).join(''));
  } finally {
    store.close();
  }
  return exitCodes.done;
}

async function copyItems(
  items: readonly PlanItem[],
  store: Store,
  { to, first, registry }: { to: string; first: string; registry: StageRegistry },
): Promise<string[]> {
  const missing = items.find(({ record }) => record === null);
  if (missing !== undefined) {
    throw new UserError(`'${missing.node.id}' has no result in the store yet: run it first with '${first}'`);
  }
  const several = new Set(items.map(({ node }) => node.id)).size > 1;
  const copied: string[] = [];
  for (const { node, unit, record } of items) {
    const folder = join(to, several ? fileName(node.cell) : '', fileName(unit));
    const outputs = registry.get(node.use)?.outputs ?? {};
    const { file_names } = record?.facts ?? {};
    for (const [output, artifact] of Object.entries(record?.outputs ?? {})) {
      const own = isObject(file_names) ? file_names[output] : undefined;
      const usual = outputs[output]?.file_name ?? `${output}.${artifact.extension}`;
      const path = join(folder, ...(typeof own === 'string' ? own : usual).split('/').map(fileName));
      await copyTo(path, store.pathOf(artifact));
      copied.push(path);
    }
  }
  return copied;
}

/** Copies one artifact, under its name only when it is whole. Throws UserError when it cannot be written. */
async function copyTo(path: string, artifact: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await copyFile(artifact, `${path}.part`);
    await chmod(`${path}.part`, 0o644); // artifacts are read-only, a copy is the user's
    await rename(`${path}.part`, path);
  } catch (error) {
    throw new UserError(`cannot write '${path}': ${(error as Error).message}`, { cause: error });
  }
}

/** A cell's or unit's name as one part of a path: `layer 4` stays, a slash does not. */
function fileName(name: string): string {
  return name.replace(/[/\\\0]/g, '_').replace(/^\.+/, '_');
}

function unknownStage(plan: Plan, stage: string): UserError {
  const names = stageNames(plan);
  return new UserError(`unknown stage '${stage}'${expectedNames(stage, names, 'the spec has none')}`);
}
