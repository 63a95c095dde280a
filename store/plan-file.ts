// The plan of a run as a file beside its result; its size grows with the nodes, since what they share is kept once.
import type { Origin, PlanInput } from '../spec/plan.ts';
import type { Json, JsonObject, Numerics } from '../spec/stage.ts';
import { UserError } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import type { BlobRef } from './digest.ts';
import type { PlanSnapshot, SnapshotCell, SnapshotNode } from './plan-snapshot.ts';

type Head = Omit<PlanSnapshot, 'nodes' | 'cells'>;

/** References are indexes; places are texts `file:line:column` with the file's index. */
interface Kept extends Head {
  format: 'lamina-plan';
  version: 1;
  files: string[];
  numerics: Numerics[];
  settings: KeptSettings[];
  nodes: KeptNode[];
  cells: { values: string[]; name: string; node: number; output: string; field: string; paper: number | null }[];
}

interface KeptSettings {
  params: JsonObject;
  origins: Record<string, string>;
  paths: readonly string[];
  sources: Readonly<Record<string, BlobRef>>;
}

interface KeptNode {
  id: string;
  stage: string;
  use: string;
  cell: string;
  settings: number;
  inputs: Record<string, { node: number; output: string; origin: string }>;
  seed: number;
  numerics: number;
  origin: string;
}

/** Values by their text, each once. */
class Pool<T> {
  readonly values: T[] = [];
  readonly #known = new Map<string, number>();

  index(value: T): number {
    const text = JSON.stringify(value);
    let index = this.#known.get(text);
    if (index === undefined) {
      index = this.values.push(value) - 1;
      this.#known.set(text, index);
    }
    return index;
  }
}

/** The snapshot as JSON. */
export function encodePlan(snapshot: PlanSnapshot): Json {
  const files = new Pool<string>();
  const numerics = new Pool<Numerics>();
  const settings = new Pool<KeptSettings>();
  const place = ({ file, line, column }: Origin) => `${files.index(file)}:${line}:${column}`;
  const index = new Map(snapshot.nodes.map((node, i) => [node.id, i]));
  const nodes = snapshot.nodes.map((node): KeptNode => {
    const { id, stage, use, cell, params, paths, sources, seed } = node;
    const origins = mapValues(node.origins, place);
    const inputs = mapValues(node.inputs, ({ node: from, output, origin }) => {
      return { node: index.get(from) ?? -1, output, origin: place(origin) };
    });
    const shared = { settings: settings.index({ params, origins, paths, sources }) };
    const numeric = { numerics: numerics.index(node.numerics) };
    return { id, stage, use, cell, ...shared, inputs, seed, ...numeric, origin: place(node.origin) };
  });
  const cells = snapshot.cells.map(({ axes, name, node, output, field, paper }) => {
    const values = snapshot.axes.map((axis) => axes[axis.name] ?? '');
    return { values, name, node: index.get(node) ?? -1, output, field, paper };
  });
  const pools = { files: files.values, numerics: numerics.values, settings: settings.values };
  const kept: Kept = { format: 'lamina-plan', version: 1, ...headOf(snapshot), ...pools, nodes, cells };
  return kept as unknown as Json;
}

/** The snapshot that `encodePlan` wrote. Throws UserError for anything else; `what` names it. */
export function decodePlan(value: Json, what: string): PlanSnapshot {
  if (!isObject(value) || value.format !== 'lamina-plan') throw new UserError(`${what} is not the plan of a run`);
  if (value.version !== 1) {
    throw new UserError(`${what} has version ${JSON.stringify(value.version)}, which this lamina does not know`);
  }
  try {
    return readKept(value as unknown as Kept);
  } catch (error) {
    if (error instanceof TypeError) throw new UserError(`${what} is damaged: ${error.message}`, { cause: error });
    throw error;
  }
}

function readKept(kept: Kept): PlanSnapshot {
  const place = (text: string): Origin => {
    const [file, line, column] = text.split(':').map(Number);
    return { file: kept.files[file as number] ?? '?', line: line as number, column: column as number };
  };
  const idOf = (index: number) => at(kept.nodes, index).id;
  const settings = kept.settings.map((each) => ({ ...each, origins: mapValues(each.origins, place) }));
  const nodes = kept.nodes.map((node): SnapshotNode => {
    const { id, stage, use, cell, seed } = node;
    const inputs = mapValues(node.inputs, (input): PlanInput => {
      return { node: idOf(input.node), output: input.output, origin: place(input.origin) };
    });
    const shared = { ...at(settings, node.settings), numerics: at(kept.numerics, node.numerics) };
    return { id, stage, use, cell, ...shared, inputs, seed, origin: place(node.origin) };
  });
  const cells = kept.cells.map(({ values, name, node, output, field, paper }): SnapshotCell => {
    const axes = Object.fromEntries(kept.axes.map((axis, i) => [axis.name, values[i] ?? '']));
    return { axes, name, node: idOf(node), output, field, paper };
  });
  return { ...headOf(kept), nodes, cells };
}

function headOf({ experiment, profile, overrides, axes, table, claims, stages }: Head): Head {
  return { experiment, profile, overrides, axes, table, claims, stages };
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new TypeError(`there is no entry ${index}`);
  return found;
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
