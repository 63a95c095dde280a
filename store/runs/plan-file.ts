// The plan of a run as a file beside its result; its size grows with the nodes, since what they share is kept once.
import type { Origin, PlanClaim, PlanInput, Selector } from '../../contract/plan.ts';
import type { Json, JsonObject, Numerics } from '../../contract/stage.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import {
  chosen,
  fields,
  flag,
  index,
  list,
  mapOf,
  misshape,
  nullable,
  number,
  oneOf,
  type Shape,
  text,
} from '../../util/shape.ts';
import type { BlobRef } from '../digest.ts';
import type { PlanSnapshot, SnapshotCell, SnapshotNode, SnapshotStage } from './plan-snapshot.ts';
import { axisShape, jsonObject, numericsShape, tableShape } from './result-shape.ts';

type Head = Omit<PlanSnapshot, 'nodes' | 'cells'>;

/** References are indexes; places are texts `file:line:column` with the file's index. */
interface Kept extends Head {
  format: 'lamina-plan';
  version: 1;
  files: readonly string[];
  numerics: readonly Numerics[];
  settings: readonly KeptSettings[];
  nodes: readonly KeptNode[];
  cells: readonly KeptCell[];
}

interface KeptCell {
  values: readonly string[];
  name: string;
  node: number;
  output: string;
  field: string;
  paper: number | null;
}

interface KeptSettings {
  params: JsonObject;
  origins: Readonly<Record<string, string>>;
  paths: readonly string[];
  sources: Readonly<Record<string, BlobRef>>;
}

interface KeptNode {
  id: string;
  stage: string;
  use: string;
  cell: string;
  settings: number;
  inputs: Readonly<Record<string, KeptInput>>;
  seed: number;
  numerics: number;
  origin: string;
}

interface KeptInput {
  node: number;
  output: string;
  origin: string;
}

/** `2:41:9`: a file by its index, a line, a column. */
const place: Shape<string> = (value, at) =>
  typeof value === 'string' && /^\d{1,9}:\d{1,9}:\d{1,9}$/.test(value)
    ? undefined
    : `'${at}': expected a place such as '0:41:9'`;

const blobShape: Shape<BlobRef> = fields({ digest: text, size: index });
const selector: Shape<Selector> = mapOf(text);
const selectorOrNumber: Shape<Selector | number> = (value, at) =>
  typeof value === 'number' ? number(value, at) : selector(value, at);
type Check = PlanClaim['check'];
type CheckOf<Kind extends Check['kind']> = Extract<Check, { kind: Kind }>;
const order: Shape<CheckOf<'order'>> = fields({
  kind: oneOf('order'),
  cells: list(selector),
  strict: flag,
  slack: number,
});
const ratio: Shape<CheckOf<'ratio'>> = fields({
  kind: oneOf('ratio'),
  of: selector,
  to: selector,
  at_least: nullable(number),
  at_most: nullable(number),
});
const tolerance: Shape<CheckOf<'tolerance'>> = fields({
  kind: oneOf('tolerance'),
  of: selector,
  to: selectorOrNumber,
  within: number,
});
const checks: Readonly<Record<string, Shape<Check>>> = { order, ratio, tolerance };
const claimCheck: Shape<Check> = chosen(({ kind }) => checks[String(kind)] ?? "'order', 'ratio' or 'tolerance'");

const keptShape: Shape<Omit<Kept, 'format' | 'version'>> = fields({
  experiment: text,
  profile: text,
  overrides: list(text),
  axes: list(axisShape),
  table: tableShape,
  claims: list(
    fields<Pick<PlanClaim, 'text' | 'where' | 'check'>>({ text, where: mapOf(list(text)), check: claimCheck }),
  ),
  stages: mapOf(fields<SnapshotStage>({ version: index, numeric: flag, seeded: flag })),
  files: list(text),
  numerics: list(numericsShape),
  settings: list(
    fields<KeptSettings>({ params: jsonObject, origins: mapOf(place), paths: list(text), sources: mapOf(blobShape) }),
  ),
  nodes: list(
    fields<KeptNode>({
      id: text,
      stage: text,
      use: text,
      cell: text,
      settings: index,
      inputs: mapOf(fields<KeptInput>({ node: index, output: text, origin: place })),
      seed: index,
      numerics: index,
      origin: place,
    }),
  ),
  cells: list(
    fields<KeptCell>({
      values: list(text),
      name: text,
      node: index,
      output: text,
      field: text,
      paper: nullable(number),
    }),
  ),
});

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
export function encodePlan(snapshot: PlanSnapshot): JsonObject {
  const files = new Pool<string>();
  const numerics = new Pool<Numerics>();
  const settings = new Pool<KeptSettings>();
  const placeOf = ({ file, line, column }: Origin) => `${files.index(file)}:${line}:${column}`;
  const indexes = new Map(snapshot.nodes.map((node, i) => [node.id, i]));
  const nodes = snapshot.nodes.map((node): KeptNode => {
    const { id, stage, use, cell, params, paths, sources, seed } = node;
    const origins = mapValues(node.origins, placeOf);
    const inputs = mapValues(node.inputs, ({ node: from, output, origin }) => {
      return { node: indexes.get(from) ?? -1, output, origin: placeOf(origin) };
    });
    const shared = { settings: settings.index({ params, origins, paths, sources }) };
    const numeric = { numerics: numerics.index(node.numerics) };
    return { id, stage, use, cell, ...shared, inputs, seed, ...numeric, origin: placeOf(node.origin) };
  });
  const cells = snapshot.cells.map(({ axes, name, node, output, field, paper }) => {
    const values = snapshot.axes.map((axis) => axes[axis.name] ?? '');
    return { values, name, node: indexes.get(node) ?? -1, output, field, paper };
  });
  const pools = { files: files.values, numerics: numerics.values, settings: settings.values };
  const kept: Kept = { format: 'lamina-plan', version: 1, ...headOf(snapshot), ...pools, nodes, cells };
  return kept as unknown as JsonObject;
}

/** The snapshot that `encodePlan` wrote. Throws UserError for anything else; `what` names it. */
export function decodePlan(value: Json, what: string): PlanSnapshot {
  if (!isObject(value) || value.format !== 'lamina-plan') throw new UserError(`${what} is not the plan of a run`);
  if (value.version !== 1) {
    throw new UserError(`${what} has version ${JSON.stringify(value.version)}, which this lamina does not know`);
  }
  const wrong = misshape(keptShape, value);
  if (wrong !== undefined) throw new UserError(`${what} is damaged: ${wrong}`);
  try {
    return readKept(value as unknown as Kept);
  } catch (error) {
    if (error instanceof TypeError) throw new UserError(`${what} is damaged: ${error.message}`, { cause: error });
    throw error;
  }
}

function readKept(kept: Kept): PlanSnapshot {
  const originOf = (written: string): Origin => {
    const [file = 0, line = 0, column = 0] = written.split(':').map(Number);
    return { file: at(kept.files, file), line, column };
  };
  const idOf = (index: number) => at(kept.nodes, index).id;
  const settings = kept.settings.map((each) => ({ ...each, origins: mapValues(each.origins, originOf) }));
  const nodes = kept.nodes.map((node): SnapshotNode => {
    const { id, stage, use, cell, seed } = node;
    const inputs = mapValues(node.inputs, (input): PlanInput => {
      return { node: idOf(input.node), output: input.output, origin: originOf(input.origin) };
    });
    const shared = { ...at(settings, node.settings), numerics: at(kept.numerics, node.numerics) };
    return { id, stage, use, cell, ...shared, inputs, seed, origin: originOf(node.origin) };
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
