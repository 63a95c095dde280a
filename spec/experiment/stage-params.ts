// The parameters and the seed of a stage in one cell: all layers merged, interpolated, validated, paths absolute.
import type { Origin } from '../../contract/plan.ts';
import type { Problems } from '../../located/diagnostic.ts';
import { nameComplaint, pathsIn, withAbsolutePaths, withValueAt } from '../../located/edit-value.ts';
import { compileSchema } from '../../located/json-schema.ts';
import type { Located, LocatedEntry, LocatedMap } from '../../located/located.ts';
import { find, keySpan, originsOf, pointerTo, toPlain } from '../../located/located.ts';
import type { Complaint } from '../../located/schema-complaints.ts';
import { isUserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import { canonicalJson } from '../../util/json.ts';
import type { LinkedStage } from '../pipeline/link.ts';
import type { AxisValue, Edit } from './axes.ts';
import type { Bindings } from './bindings.ts';
import { seedName, unknownStageParam } from './bindings.ts';
import type { Choice, Evaluator } from './evaluator.ts';
import { chosenValues, paramSentence, projection, seedSchema } from './evaluator.ts';

export interface StageParams {
  params: JsonObject;
  origins: Record<string, Origin>;
  paths: string[];
  /** The canonical text of `params`. */
  text: string;
}

/** What the layers give a stage, by parameter: the value, and as it was written. */
interface Merged {
  values: Map<string, LocatedEntry & { raw: Located }>;
  /** Parameters that are given but wrong (reported) or without a value. */
  wrong: Set<string>;
  /** False when a whole layer could not be read. */
  whole: boolean;
}

type RawEntry = LocatedEntry & { done: boolean };

/** What a stage has in common in all cells. */
interface Common {
  /** What the layers give it, as it is written; undefined where that differs between cells. */
  raw: ReadonlyMap<string, RawEntry> | undefined;
  /** The axes of which some value edits one of its parameters. */
  edited: readonly number[];
  /** What --set gives it. */
  edits: readonly Edit[];
}

export class StageEvaluator {
  readonly #bindings: Bindings;
  readonly #problems: Problems;
  readonly #values: Evaluator;
  readonly #stages = new Map<string, StageParams | undefined>();
  readonly #axes = new Map<string, readonly number[]>();
  readonly #common = new Map<string, Common>();

  constructor(bindings: Bindings, problems: Problems, values: Evaluator) {
    this.#bindings = bindings;
    this.#problems = problems;
    this.#values = values;
  }

  /** The axes on which a stage's own parameters and seed depend, in order. */
  ownAxes(stage: LinkedStage): readonly number[] {
    const known = this.#axes.get(stage.name);
    if (known !== undefined) return known;
    const { layers, axes, edits } = this.#bindings;
    const axesFound = new Set<number>();
    const trees: (Located | undefined)[] = [stage.with, stage.definition.seeded ? stage.seed : undefined];
    for (const layer of layers) trees.push(layer.with.get(stage.name)?.value);
    for (const [i, axis] of axes.entries()) {
      const set = axis.values.flatMap((value) => stageSettings(value, stage.name));
      if (set.length > 0) axesFound.add(i);
      trees.push(...set);
    }
    for (const edit of edits) if (edit.param.stage === stage.name) trees.push(edit.value);
    for (const tree of trees) this.#values.addAxesOf(tree, axesFound);
    if (stage.definition.seeded && stage.seed === undefined)
      for (const i of this.#values.paramAxes(seedName)) axesFound.add(i);
    const sorted = [...axesFound].sort((a, b) => a - b);
    this.#axes.set(stage.name, sorted);
    return sorted;
  }

  /** A stage's parameters, checked; undefined when something is wrong (reported) or has no value. */
  stageParams(stage: LinkedStage, choice: Choice): StageParams | undefined {
    const key = `${stage.name}:${projection(this.ownAxes(stage), choice)}`;
    if (!this.#stages.has(key)) this.#stages.set(key, this.#checkedStage(stage, choice));
    return this.#stages.get(key);
  }

  #checkedStage(stage: LinkedStage, choice: Choice): StageParams | undefined {
    const where = `stage '${stage.name}': `;
    const { values, wrong, whole } = this.#mergedParams(stage, choice, where);
    const entries = new Map<string, LocatedEntry>();
    for (const [name, { key, value }] of values) entries.set(name, { key, value });
    const schema = stage.definition.params;
    const tree = withAbsolutePaths(schema, { kind: 'map', span: stage.key, entries }) as LocatedMap;
    const params = toPlain(tree) as JsonObject;
    const complaints = compileSchema(schema).check(params);
    for (const complaint of complaints) {
      const excused = !whole || wrong.has(complaint.kind === 'missing' ? complaint.key : '') || stage.partial;
      if (complaint.kind === 'missing' && complaint.path.length === 0 && excused) continue;
      this.#reportStage(stage, complaint, tree, values);
    }
    if (complaints.length > 0 || wrong.size > 0 || !whole) return undefined;
    const given = pathsIn(schema, params);
    const refused = given.filter((path) => !this.#checkName(path, valueAt(params, path), tree, where));
    if (refused.length > 0 || !this.#checkTogether(stage, params, where)) return undefined;
    if (!this.#checkPorts(stage, params, where)) return undefined;
    return this.#settled(stage, params, given, tree, where);
  }

  /** `found`: where paths are given. */
  #settled(
    stage: LinkedStage,
    given: JsonObject,
    found: string[][],
    tree: LocatedMap,
    where: string,
  ): StageParams | undefined {
    const params = this.#asked(stage, where, () => stage.definition.settle?.(given, stage.key.source.folder) ?? given);
    if (params === undefined) return undefined;
    const paths = params === given ? found : pathsIn(stage.definition.params, params);
    const pointers = paths.map((path) => path.reduce(pointerTo, ''));
    return { params, origins: originsOf(tree), paths: pointers, text: canonicalJson(params) };
  }

  /** False where the stage itself refuses its parameters (reported). */
  #checkTogether(stage: LinkedStage, params: JsonObject, where: string): boolean {
    if (stage.broken || stage.partial) return true; // what is missing may be among what could not be read
    const joined = new Set(stage.links.map(({ input }) => input));
    const isRight = this.#asked(stage, where, () => {
      stage.definition.check?.(params, joined);
      return true;
    });
    return isRight ?? false;
  }

  /** What the stage itself answers; undefined where it refuses (reported). */
  #asked<T>(stage: LinkedStage, where: string, ask: () => T): T | undefined {
    try {
      return ask();
    } catch (error) {
      if (!isUserError(error)) throw error;
      this.#problems.add(stage.key, `${where}${error.message}`);
      return undefined;
    }
  }

  /** False where another port than those of the pipeline would be there (reported): the stages around it were joined to these. */
  #checkPorts({ definition, key }: LinkedStage, params: JsonObject, where: string): boolean {
    const ports = definition.ports?.(params);
    const { inputs, outputs } = definition;
    if (ports === undefined || JSON.stringify(ports) === JSON.stringify({ inputs, outputs })) return true;
    this.#problems.add(
      key,
      `${where}its inputs and outputs are not those that the pipeline declares: write them out there, without \${...}`,
    );
    return false;
  }

  /** False for a name that no file, nothing on the hub and nothing of lamina's can have (reported). */
  #checkName(path: readonly string[], value: string, tree: LocatedMap, where: string): boolean {
    const complaint = nameComplaint(value);
    if (complaint === undefined) return true;
    const span = find(tree, path)?.span ?? tree.span;
    this.#problems.add(span, `${where}parameter '${path.join('.')}': ${complaint}`);
    return false;
  }

  #mergedParams(stage: LinkedStage, choice: Choice, where: string): Merged {
    const { edited, edits, raw: common } = this.#commonOf(stage);
    const { raw, whole } = common === undefined ? this.#rawOf(stage, choice, where) : { raw: common, whole: true };
    const values = new Map<string, LocatedEntry & { raw: Located }>();
    const wrong = new Set<string>();
    for (const [name, { key, value, done }] of raw) {
      const result = done ? value : this.#values.evaluate(value, choice, `${where}parameter '${name}': `);
      if (result === undefined) wrong.add(name);
      else values.set(name, { key, value: result, raw: value });
    }
    const { axes } = this.#bindings;
    const chosen = edited.flatMap((i) => axes[i]?.values[choice[i] as number]?.edits ?? []);
    for (const edit of [...chosen.filter(({ param }) => param.stage === stage.name), ...edits]) {
      const [name = '', ...rest] = edit.param.path;
      const set = this.#values.evaluate(edit.value, choice, `${where}parameter '${name}': `);
      const changed = set === undefined ? undefined : withValueAt(values.get(name)?.value, rest, set);
      if (typeof changed === 'string') this.#problems.add(edit.value.span, `${where}parameter '${name}': ${changed}`);
      if (changed === undefined || typeof changed === 'string') wrong.add(name);
      else values.set(name, { key: edit.value.span, value: changed, raw: edit.value });
    }
    return { values, wrong, whole };
  }

  #commonOf(stage: LinkedStage): Common {
    let common = this.#common.get(stage.name);
    if (common === undefined) {
      const { axes, edits } = this.#bindings;
      const isOwn = ({ param }: Edit) => param.stage === stage.name;
      const edited = [...axes.keys()].filter((i) => axes[i]?.values.some((value) => value.edits.some(isOwn)));
      const trees = this.#trees(stage, []);
      const varies = axes.some(({ values }) => values.some((value) => value.with.has(stage.name)));
      const isPlain = !varies && trees.every((tree) => tree.kind === 'map');
      common = { edited, edits: edits.filter(isOwn), raw: isPlain ? this.#rawOf(stage, [], '').raw : undefined };
      this.#common.set(stage.name, common);
    }
    return common;
  }

  /** What the layers give the stage: the pipeline's, the file's, the profile's, the axis values'. */
  #trees({ name, with: own }: LinkedStage, chosen: readonly AxisValue[]): Located[] {
    const given = [...this.#bindings.layers, ...chosen].map((layer) => layer.with.get(name)?.value);
    return [own, ...given].filter((tree) => tree !== undefined);
  }

  #rawOf(stage: LinkedStage, choice: Choice, where: string): { raw: Map<string, RawEntry>; whole: boolean } {
    const chosen = choice.length === 0 ? [] : chosenValues(this.#bindings, choice);
    const raw = new Map<string, RawEntry>();
    let whole = true;
    for (const tree of this.#trees(stage, chosen)) {
      const map = tree.kind === 'map' ? tree : this.#wholeWith(tree, choice, where);
      if (map === undefined) whole = false;
      else for (const [name, entry] of map.entries) raw.set(name, { ...entry, done: map !== tree });
    }
    return { raw, whole };
  }

  /** `with: "${data}"`: must give a mapping. */
  #wholeWith(tree: Located, choice: Choice, where: string): LocatedMap | undefined {
    const value = this.#values.evaluate(tree, choice, where);
    if (value === undefined || value.kind === 'map') return value;
    const got = value.kind === 'list' ? 'a list' : 'a single value';
    this.#problems.add(tree.span, `${where}'with' expects a mapping of parameters, got ${got}`);
    return undefined;
  }

  #reportStage(
    stage: LinkedStage,
    complaint: Complaint,
    tree: LocatedMap,
    values: ReadonlyMap<string, { raw: Located }>,
  ): void {
    const where = `stage '${stage.name}': `;
    const [name] = complaint.path;
    if (name === undefined && complaint.kind === 'unknown') {
      const properties = (stage.definition.params as { properties?: Record<string, unknown> }).properties ?? {};
      this.#problems.add(keySpan(tree, [complaint.key]), unknownStageParam(stage.name, complaint.key, properties));
    } else if (name === undefined && complaint.kind === 'missing') {
      this.#problems.add(stage.key, `${where}parameter '${complaint.key}' is missing: give it under 'with'`);
    } else if (name === undefined) {
      this.#problems.add(
        stage.key,
        `${where}'with' ${complaint.kind === 'value' ? complaint.says : 'has a wrong key'}`,
      );
    } else {
      const { span, says } = paramSentence(
        `${where}parameter '${name}'`,
        { ...complaint, path: complaint.path.slice(1) },
        tree.entries.get(name)?.value ?? tree,
      );
      const raw = values.get(name)?.raw.span;
      const elsewhere =
        raw !== undefined && (raw.source !== span.source || raw.end < span.start || raw.start > span.end);
      this.#problems.add(span, says, elsewhere ? [{ span: raw, message: `stage '${stage.name}' takes it here` }] : []);
    }
  }

  /** The seed of a stage: 0 when it draws no random numbers, so that all seeds share it. */
  seed(stage: LinkedStage, choice: Choice): number | undefined {
    if (!stage.definition.seeded) return 0;
    if (stage.seed === undefined) {
      const given = this.#values.param(seedName, choice);
      return given === undefined ? undefined : (toPlain(given) as number);
    }
    const value = this.#values.evaluate(stage.seed, choice, `stage '${stage.name}': 'seed': `);
    if (value === undefined) return undefined;
    for (const complaint of compileSchema(seedSchema).check(toPlain(value))) {
      if (complaint.kind === 'value') this.#problems.add(value.span, `stage '${stage.name}': 'seed' ${complaint.says}`);
      return undefined;
    }
    return toPlain(value) as number;
  }
}

function stageSettings(value: AxisValue, stage: string): Located[] {
  const given = value.with.get(stage)?.value;
  const edits = value.edits.filter((edit) => edit.param.stage === stage).map((edit) => edit.value);
  return given === undefined ? edits : [given, ...edits];
}

function valueAt(params: JsonObject, path: readonly string[]): string {
  return String(path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], params));
}
