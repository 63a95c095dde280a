// The files in the store of a model that a plan names.
import { definitionOf } from '../../contract/registry.ts';
import type { ArtifactKind, StageRegistry } from '../../contract/stage.ts';
import type { PlanItem } from '../../runner/survey/inspect.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { damagedText } from '../common/damaged-text.ts';
import type { PickedModel } from './pick-model.ts';

/** Where the files are looked for, and what to say where they are not. */
export interface Finder {
  items: readonly PlanItem[];
  registry: StageRegistry;
  store: Store;
  /** The command that makes what has not run yet. */
  first: string;
  /** The command that makes a stage again. */
  again: (stage: string) => string;
}

/** The checkpoint, the recovery and the exit description, one file for each unit that made them, all of them whole. Throws UserError. */
export async function modelFiles(
  { checkpoint, recovery, exit }: Pick<PickedModel, 'checkpoint' | 'recovery'> & Partial<Pick<PickedModel, 'exit'>>,
  finder: Finder,
): Promise<{ checkpoint: string; recovery: string[] | undefined; exit: string[] | undefined }> {
  // what was asked for first: its message is the one to read
  const early = exit === undefined ? undefined : await filesOf(exit, 'exit', finder);
  const above = recovery === undefined ? undefined : await filesOf(recovery, 'recovery', finder);
  const [file] = await filesOf(checkpoint, 'checkpoint', finder);
  return { checkpoint: file as string, recovery: above, exit: early };
}

async function filesOf(
  id: string,
  kind: ArtifactKind,
  { items, registry, store, first, again }: Finder,
): Promise<string[]> {
  const files: string[] = [];
  for (const { node, record } of items.filter(({ node }) => node.id === id)) {
    if (record === null) throw new UserError(`'${id}' has no result in the store yet: run it first with '${first}'`);
    const outputs = Object.entries(definitionOf(registry, node)?.outputs ?? {});
    const name = outputs.find(([, output]) => output.kind === kind)?.[0] ?? '';
    const artifact = record.outputs[name] as NonNullable<(typeof record.outputs)[string]>;
    const damage = await store.check(artifact, 'use');
    if (damage !== undefined) throw new UserError(`${damagedText(node, name, damage)} with '${again(node.stage)}'`);
    files.push((await store.open(artifact)).path);
  }
  return files;
}
