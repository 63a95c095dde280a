// Which model `lamina generate` is asked for: a folder, a name on the hub, or files of the store that a spec names.
import type { Plan, PlanNode } from '../../contract/plan.ts';
import { definitionOf } from '../../contract/registry.ts';
import type { ArtifactKind, StageRegistry } from '../../contract/stage.ts';
import { isHubName } from '../../hub/name.ts';
import { orList } from '../../located/nearest.ts';
import { findShipped, isShippedName } from '../../located/shipped.ts';
import { inspect, type PlanItem } from '../../runner/survey/inspect.ts';
import { openStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import type { Context } from '../common/context.ts';
import { damagedText } from '../common/damaged-text.ts';
import type { GenerateFlags } from '../common/flags.ts';
import { sayProject } from '../common/project.ts';
import { saying } from '../common/saying.ts';
import { planCommand, shellWord } from '../common/spec-name.ts';
import { findSubject } from '../common/why-subject.ts';
import { isRunReference, wantedPlan } from '../runs/run-reference.ts';

/** Where a model's files lie. `label` names it for people. */
export type FoundModel =
  | {
      readonly kind: 'folder';
      readonly label: string;
      /** A folder in Hugging Face's layout, or a GGUF file. */
      readonly folder: string;
    }
  | { readonly kind: 'hub'; readonly label: string; readonly name: string }
  | {
      readonly kind: 'files';
      readonly label: string;
      readonly checkpoint: string;
      /** Shared layers and recovery parameters on top of it. */
      readonly recovery?: readonly string[] | undefined;
    };

/** Finds the model. Throws UserError when there is none of that name, or when it has not been made yet. */
export async function findModel(
  name: string,
  part: string | undefined,
  flags: GenerateFlags,
  context: Context,
): Promise<FoundModel> {
  const kind = isHubName(name) ? 'hub' : kindOf(name);
  if (kind === 'spec') return findInSpec(name, part, flags, context);
  if (part !== undefined) {
    throw new UserError(
      `'${name}' is a model by itself, so '${part}' names nothing in it: stages and cells belong to a spec`,
    );
  }
  const [only] = [...flags.only.map(() => '--only'), ...flags.set.map(() => '--set'), flags.profile && '--profile'];
  if (only) throw new UserError(`${only} is for specs, and '${name}' is a model by itself`);
  if (kind === 'hub') return { kind, label: name, name };
  if (kind === 'files') return { kind, label: name, checkpoint: name };
  return { kind, label: name, folder: shippedModel(name) ?? name };
}

const expected = "expected a model folder, a GGUF file, an 'hf://' name, or a spec (.yaml) with a stage or cell of it";

function kindOf(name: string): 'folder' | 'files' | 'spec' {
  if (isRunReference(name)) return 'spec';
  if (isShippedName(name)) return shippedModel(name) === undefined ? shippedSpec(name) : 'folder';
  const found = statusAt(name);
  if (found?.isDirectory() || (found !== undefined && name.endsWith('.gguf'))) return 'folder';
  if (/\.ya?ml$/.test(name)) return 'spec';
  if (found === undefined) throw new UserError(`there is no model '${name}': ${expected}`);
  if (name.endsWith('.arrow')) return 'files'; // a checkpoint that `lamina copy` took out of a store
  throw new UserError(`'${name}' is a file: ${expected}`);
}

/** The folder of a model that comes with lamina. */
function shippedModel(name: string): string | undefined {
  const found = isShippedName(name) ? findShipped(name, 'path') : undefined;
  return found !== undefined && 'path' in found && statusAt(found.path)?.isDirectory() ? found.path : undefined;
}

function shippedSpec(name: string): 'spec' {
  if ('path' in findShipped(name, 'spec')) return 'spec';
  const { wrong } = findShipped(name, 'path') as { wrong: string };
  throw new UserError(`the model '${name}' ${wrong}, or a spec (see 'lamina check lamina:')`);
}

/** A checkpoint of the plan, with the recovery on top of it. */
interface Pick {
  /** The node that was named, or the one that measured the named cell. */
  readonly node: PlanNode;
  readonly checkpoint: string;
  readonly recovery: string | undefined;
}

async function findInSpec(
  text: string,
  part: string | undefined,
  flags: GenerateFlags,
  context: Context,
): Promise<FoundModel> {
  const { profile, set, only, store: path } = flags;
  sayProject(context, path, false);
  const registry = await context.registry();
  const given = { ...(profile && { profile }), set, only, force: [], store: path };
  const { spec, flags: asked, plan, changed } = await wantedPlan(text, given, registry);
  if (changed !== undefined) throw new UserError(`${changed}: its models cannot be found by it`);
  const pick = pickModel(plan, registry, text, part);
  const store = await openStore(path, { mode: 'read', say: saying(context) });
  try {
    const { items } = await inspect(plan, registry, store);
    const first = planCommand('run', spec, asked);
    const again = (stage: string) => planCommand('run', spec, asked, '--force', stage);
    const files = (node: string, kind: ArtifactKind) => filesOf(items, node, kind, { registry, store, first, again });
    // what was asked for first: its message is the one to read
    const recovery = pick.recovery === undefined ? undefined : await files(pick.recovery, 'recovery');
    const [checkpoint] = await files(pick.checkpoint, 'checkpoint');
    return { kind: 'files', label: labelOf(pick), checkpoint: checkpoint as string, recovery };
  } finally {
    store.close();
  }
}

function labelOf({ checkpoint, recovery }: Pick): string {
  return recovery === undefined ? checkpoint : `${recovery} on ${checkpoint}`;
}

/** The one model that `part` means. */
function pickModel(plan: Plan, registry: StageRegistry, spec: string, part: string | undefined): Pick {
  const withModel = plan.nodes.flatMap((node) => modelOf(node, registry) ?? []);
  const names = [...new Set(withModel.map(({ node }) => node.stage))];
  if (part === undefined) {
    throw new UserError(`'${spec}' is a spec: name one of its stages (${orList(names, 40)}) or cells after it`);
  }
  const found = findSubject(plan, part, undefined);
  const nodes =
    'nodes' in found
      ? found.nodes
      : nodesById(
          plan,
          found.cells.map(({ metric }) => metric.node),
        );
  const picks = nodes.flatMap((node) => modelOf(node, registry) ?? []);
  const distinct = [...new Map(picks.map((pick) => [labelOf(pick), pick])).values()];
  const [pick, another] = distinct;
  if (pick === undefined) throw new UserError(`'${part}' has no model in it, expected ${orList(names, 40)} or a cell`);
  if (another === undefined) return pick;
  const [first] = distinct.map(({ node }) => node.cell).filter((cell) => cell !== '');
  const help = first === undefined ? 'name one cell' : `pick one with --only, such as --only ${shellWord(first)}`;
  throw new UserError(`'${part}' means ${distinct.length} models (${orList(distinct.map(labelOf), 6)}): ${help}`);
}

function nodesById(plan: Plan, ids: readonly string[]): PlanNode[] {
  return plan.nodes.filter(({ id }) => ids.includes(id));
}

/** What a node makes, or else works on; undefined where it has to do with no model. */
function modelOf(node: PlanNode, registry: StageRegistry): Pick | undefined {
  const kinds = Object.values(definitionOf(registry, node)?.outputs ?? {}).map(({ kind }) => kind);
  if (kinds.includes('checkpoint')) return { node, checkpoint: node.id, recovery: undefined };
  const checkpoint = node.inputs.model?.node;
  if (checkpoint === undefined) return undefined;
  const recovery = kinds.includes('recovery') ? node.id : node.inputs.recovery?.node;
  return { node, checkpoint, recovery };
}

interface Finder {
  registry: StageRegistry;
  store: Store;
  /** The command that makes what has not run yet. */
  first: string;
  /** The command that makes a stage again. */
  again: (stage: string) => string;
}

/** The files of that kind that a node made, one for each of its units, each of them whole. */
async function filesOf(
  items: readonly PlanItem[],
  id: string,
  kind: ArtifactKind,
  { registry, store, first, again }: Finder,
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
