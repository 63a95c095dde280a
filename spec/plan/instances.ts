// Plan nodes from stages and cells: a stage is instantiated once for each combination of the axes that reach it, and
// instances that would do the same work are one node.

import { codePointer, type PlanInput, type PlanNode, type Resources } from '../../contract/plan.ts';
import type { Numerics } from '../../contract/stage.ts';
import { place } from '../../located/located.ts';
import type { Axis } from '../experiment/axes.ts';
import type { Choice } from '../experiment/evaluator.ts';
import { projection } from '../experiment/evaluator.ts';
import { cellLabel } from '../experiment/names.ts';
import type { StageResources } from '../experiment/resources.ts';
import type { StageEvaluator, StageParams } from '../experiment/stage-params.ts';
import type { LinkedPipeline, LinkedStage } from '../pipeline/link.ts';

interface Draft {
  stage: LinkedStage;
  /** Stages of other names that would do the same. */
  also: Set<string>;
  given: StageParams;
  inputs: readonly { name: string; node: number; output: string }[];
  seed: number;
  numerics: Numerics;
  force: boolean;
  resources: Resources | undefined;
}

/** What is asked of stages beside what they do, by their names. */
interface Asked {
  force: ReadonlySet<string>;
  resources: StageResources;
}

export class Instances {
  /** How many stage instances were made before equal ones were merged: the work that a grid costs. */
  made = 0;
  readonly #linked: LinkedPipeline;
  readonly #axes: readonly Axis[];
  readonly #evaluator: StageEvaluator;
  readonly #numerics: Numerics;
  readonly #asked: Asked;
  readonly #drafts: Draft[] = [];
  readonly #byIdentity = new Map<string, number>();
  readonly #byProjection = new Map<string, number | undefined>();
  /** By stage: for each instance the axis values and its node. */
  readonly #instances = new Map<string, { choice: Choice; node: number }[]>();
  readonly #reaching = new Map<string, readonly number[]>();
  /** By stage: its place in the order of work, feeders first, and its place in the pipeline. */
  readonly #turns: ReadonlyMap<string, number>;
  readonly #places: ReadonlyMap<string, number>;

  constructor(
    linked: LinkedPipeline,
    axes: readonly Axis[],
    evaluator: StageEvaluator,
    numerics: Numerics,
    asked: Asked,
  ) {
    this.#linked = linked;
    this.#axes = axes;
    this.#evaluator = evaluator;
    this.#numerics = numerics;
    this.#asked = asked;
    this.#turns = new Map(linked.order.map((name, i) => [name, i]));
    this.#places = new Map([...linked.pipeline.stages.keys()].map((name, i) => [name, i]));
  }

  /** The node of a stage in a cell, with all that it needs; undefined when something is wrong (reported). */
  node(stage: string, choice: Choice): number | undefined {
    const wanted = this.#linked.stages.get(stage);
    if (wanted === undefined) return undefined;
    if (!this.#byProjection.has(this.#keyOf(wanted, choice)))
      for (const missing of this.#missing(wanted, choice)) this.#instantiate(missing, choice);
    return this.#byProjection.get(this.#keyOf(wanted, choice));
  }

  #keyOf(stage: LinkedStage, choice: Choice): string {
    return `${stage.name}:${projection(this.#axesReaching(stage), choice)}`;
  }

  /** A stage and all that feeds it and has no node in this cell yet, feeders first: where a stage has one, so has what feeds it. */
  #missing(wanted: LinkedStage, choice: Choice): readonly LinkedStage[] {
    const found = new Set([wanted]);
    for (const stage of found) {
      for (const feeder of this.#feeders(stage)) {
        if (!this.#byProjection.has(this.#keyOf(feeder, choice))) found.add(feeder);
      }
    }
    const turn = ({ name }: LinkedStage) => this.#turns.get(name) ?? this.#turns.size;
    return [...found].sort((a, b) => turn(a) - turn(b));
  }

  #feeders(stage: LinkedStage): readonly LinkedStage[] {
    return stage.links.flatMap(({ stage: from }) => this.#linked.stages.get(from) ?? []);
  }

  /** The axes on which a stage or anything that feeds it depends. */
  #axesReaching(wanted: LinkedStage): readonly number[] {
    if (this.#reaching.size === 0) this.#reachInOrder();
    let axes = this.#reaching.get(wanted.name);
    if (axes === undefined) {
      axes = this.#axesOfCircle(wanted);
      this.#reaching.set(wanted.name, axes);
    }
    return axes;
  }

  /** What reaches a stage is its own and what reaches its feeders, which come before it: one look at each link. */
  #reachInOrder(): void {
    for (const name of this.#linked.order) {
      const stage = this.#linked.stages.get(name);
      if (stage === undefined) continue;
      const fed = stage.links.map(({ stage: from }) => this.#reaching.get(from) ?? []);
      this.#reaching.set(name, union(this.#evaluator.ownAxes(stage), fed));
    }
  }

  /** Of a stage that has no turn, for it waits for itself (reported). */
  #axesOfCircle(wanted: LinkedStage): readonly number[] {
    const stages = new Set([wanted]);
    for (const stage of stages) for (const feeder of this.#feeders(stage)) stages.add(feeder);
    return union(
      [],
      [...stages].map((stage) => this.#evaluator.ownAxes(stage)),
    );
  }

  #instantiate(stage: LinkedStage, choice: Choice): void {
    const key = this.#keyOf(stage, choice);
    if (this.#byProjection.has(key)) return;
    this.made++;
    const draft = this.#draft(stage, choice);
    const node = draft === undefined ? undefined : this.#merge(draft);
    this.#byProjection.set(key, node);
    if (node === undefined) return;
    const instances = this.#instances.get(stage.name);
    if (instances === undefined) this.#instances.set(stage.name, [{ choice, node }]);
    else instances.push({ choice, node });
  }

  #draft(stage: LinkedStage, choice: Choice): Draft | undefined {
    const given = this.#evaluator.stageParams(stage, choice);
    const seed = this.#evaluator.seed(stage, choice);
    const inputs: Draft['inputs'][number][] = [];
    for (const { input, stage: from, output } of stage.links) {
      const source = this.#linked.stages.get(from);
      const node = source === undefined ? undefined : this.#byProjection.get(this.#keyOf(source, choice));
      if (node !== undefined) inputs.push({ name: input, node, output });
    }
    if (given === undefined || seed === undefined || stage.broken) return undefined;
    if (inputs.length < stage.links.length) return undefined;
    const force = this.#asked.force.has(stage.name);
    const resources = this.#asked.resources.get(stage.name);
    return { stage, also: new Set(), seed, force, resources, inputs, ...withThreads(stage, given, this.#numerics) };
  }

  #merge(draft: Draft): number {
    const { stage, given, seed, numerics, inputs } = draft;
    const read = inputs.length === 0 ? '' : JSON.stringify(inputs);
    const identity = `${stage.module ?? stage.use}\n${given.text}\n${seed}\n${numerics.threads}\n${read}`;
    const known = this.#byIdentity.get(identity);
    if (known !== undefined) {
      const first = this.#drafts[known] as Draft;
      first.force ||= draft.force;
      first.resources = larger(first.resources, draft.resources);
      first.also.add(stage.name).add(first.stage.name);
      // equal work goes by the stage that stands first in the pipeline, whichever cell came first
      if (this.#place(stage.name) < this.#place(first.stage.name)) first.stage = stage;
      return known;
    }
    this.#byIdentity.set(identity, this.#drafts.length);
    return this.#drafts.push(draft) - 1;
  }

  #place(stage: string): number {
    return this.#places.get(stage) ?? -1;
  }

  /** The nodes that `roots` need, inputs first, and the ids of all nodes by their numbers. */
  finish(roots: Iterable<number>): { nodes: PlanNode[]; ids: readonly string[] } {
    const cells = this.#cells();
    const ids = this.#drafts.map(({ stage }, i) => (cells[i] === '' ? stage.name : `${stage.name}[${cells[i]}]`));
    const wanted = new Set(roots);
    for (let i = this.#drafts.length - 1; i >= 0; i--) {
      if (wanted.has(i)) for (const { node } of (this.#drafts[i] as Draft).inputs) wanted.add(node);
    }
    const nodes = this.#drafts.flatMap((draft, i) =>
      wanted.has(i) ? [toNode(draft, cells[i] as string, ids, i)] : [],
    );
    return { nodes, ids };
  }

  /** For each node the axis values that set it apart from the other nodes of its stage. */
  #cells(): string[] {
    const cells: string[] = [];
    for (const [stage, instances] of this.#instances) {
      const own = instances.filter(({ node }) => (this.#drafts[node] as Draft).stage.name === stage);
      const axes = this.#tellingAxes(this.#reaching.get(stage) ?? [], own);
      for (const { choice, node } of own) {
        cells[node] ??= cellLabel(axes.map((a) => this.#namesOf(a, choice)));
      }
    }
    return cells;
  }

  #namesOf(axis: number, choice: Choice): readonly [string, string] {
    const { name, values } = this.#axes[axis] as Axis;
    return [name, values[choice[axis] as number]?.name ?? ''];
  }

  /** Axes without which two nodes would have the same name: each axis is dropped when the others tell nodes apart. */
  #tellingAxes(reaching: readonly number[], instances: readonly { choice: Choice; node: number }[]): readonly number[] {
    let axes = reaching;
    for (const axis of reaching) {
      const without = axes.filter((a) => a !== axis);
      if (tellsApart(without, instances)) axes = without;
    }
    return axes;
  }
}

/**
 * Settles the threads of a stage that has them as a parameter: what the spec gives, else --threads when it is not 1,
 * else the stage's default. The parameter and the numerics then agree.
 */
function withThreads(stage: LinkedStage, given: StageParams, numerics: Numerics): Pick<Draft, 'given' | 'numerics'> {
  const { properties } = stage.definition.params as { properties?: object };
  const own = given.params.threads;
  if (properties === undefined || !Object.hasOwn(properties, 'threads')) return { given, numerics };
  const written = Object.hasOwn(given.origins, '/threads') || numerics.threads === 1;
  const threads = written && typeof own === 'number' ? own : numerics.threads;
  const params = threads === own ? given.params : { ...given.params, threads };
  return { given: { ...given, params }, numerics: threads === numerics.threads ? numerics : { ...numerics, threads } };
}

/** What is enough for either of two stages that do the same work. */
function larger(a: Resources | undefined, b: Resources | undefined): Resources | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const most = (name: 'memory_bytes' | 'cpus' | 'time_ms') => {
    const value = Math.max(a[name] ?? 0, b[name] ?? 0);
    return value > 0 ? { [name]: value } : {};
  };
  return { ...b, ...a, ...most('memory_bytes'), ...most('cpus'), ...most('time_ms') };
}

/** Numbers of axes in their order; the list itself where the others add nothing to it. */
function union(own: readonly number[], others: readonly (readonly number[])[]): readonly number[] {
  const found = new Set(own);
  for (const axes of others) for (const axis of axes) found.add(axis);
  return found.size === own.length ? own : [...found].sort((a, b) => a - b);
}

function tellsApart(axes: readonly number[], instances: readonly { choice: Choice; node: number }[]): boolean {
  const nodes = new Map<string, number>();
  for (const { choice, node } of instances) {
    const key = projection(axes, choice);
    const known = nodes.get(key);
    if (known !== undefined && known !== node) return false;
    nodes.set(key, node);
  }
  return true;
}

function toNode(draft: Draft, cell: string, ids: readonly string[], index: number): PlanNode {
  const { stage, seed, numerics, force, resources } = draft;
  const also = [...draft.also].filter((name) => name !== stage.name);
  const { params, origins, paths } = draft.given;
  const inputs: Record<string, PlanInput> = {};
  // stages that do the same work have the same inputs, in one order
  for (const [i, { name, node, output }] of draft.inputs.entries()) {
    inputs[name] = { node: ids[node] as string, output, origin: place(stage.links[i]?.span ?? stage.key) };
  }
  return {
    id: ids[index] as string,
    stage: stage.name,
    ...(also.length === 0 ? {} : { also }),
    use: stage.use,
    ...(stage.module === undefined ? {} : { module: stage.module }),
    cell,
    params,
    origins: stage.module === undefined ? origins : { ...origins, [codePointer]: place(stage.useSpan) },
    paths,
    inputs,
    seed,
    numerics,
    origin: place(stage.key),
    force,
    ...(resources === undefined ? {} : { resources }),
  };
}
