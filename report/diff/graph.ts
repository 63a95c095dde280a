// Walks two plans side by side, from the nodes whose numbers are compared down to the sources; every pair of nodes once.
import type { PlanSnapshot, SnapshotCell, SnapshotNode } from '../../store/runs/plan-snapshot.ts';
import { type ChangeGroups, type Group, plainChange } from './changes.ts';
import { groupBy, type Matches } from './match.ts';
import { nodeDifferences, wiringDifference } from './node.ts';

interface Pair {
  before: SnapshotNode;
  after: SnapshotNode;
  inputs: Pair[];
  /** Its own differences, and those of everything that it reads. */
  reach: ReadonlySet<Group>;
}

const nothing: ReadonlySet<Group> = new Set();

class PlanPair {
  readonly #before: PlanSnapshot;
  readonly #after: PlanSnapshot;
  readonly #groups: ChangeGroups;
  readonly #olds: ReadonlyMap<string, SnapshotNode>;
  readonly #news: ReadonlyMap<string, SnapshotNode>;
  readonly #order: ReadonlyMap<string, number>;
  readonly #pairs = new Map<string, Pair>();
  /** Ids of nodes that have a partner. */
  readonly paired = { before: new Set<string>(), after: new Set<string>() };

  constructor(before: PlanSnapshot, after: PlanSnapshot, groups: ChangeGroups) {
    this.#before = before;
    this.#after = after;
    this.#groups = groups;
    this.#olds = new Map(before.nodes.map((node) => [node.id, node]));
    this.#news = new Map(after.nodes.map((node) => [node.id, node]));
    this.#order = new Map(after.nodes.map((node, i) => [node.id, i]));
  }

  /** Pairs two nodes, and what they read; input by input, as long as both do the same job. */
  pair(before: string, after: string): Pair | undefined {
    const fresh: Pair[] = [];
    const root = this.#take(before, after, fresh);
    for (const pair of fresh) this.#follow(pair, fresh);
    // inputs come before their users in a plan, so what a pair reads has its reach already
    fresh.sort((a, b) => (this.#order.get(a.after.id) ?? 0) - (this.#order.get(b.after.id) ?? 0));
    for (const pair of fresh) pair.reach = this.#reachOf(pair);
    return root;
  }

  #take(before: string, after: string, fresh: Pair[]): Pair | undefined {
    const key = `${before}\n${after}`;
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    const [a, b] = [this.#olds.get(before), this.#news.get(after)];
    if (a === undefined || b === undefined) return undefined;
    const pair: Pair = { before: a, after: b, inputs: [], reach: nothing };
    this.#pairs.set(key, pair);
    this.paired.before.add(before);
    this.paired.after.add(after);
    fresh.push(pair);
    return pair;
  }

  #follow(pair: Pair, fresh: Pair[]): void {
    if (pair.before.use !== pair.after.use) return;
    for (const [name, input] of Object.entries(pair.after.inputs)) {
      const old = pair.before.inputs[name];
      const both = old === undefined ? undefined : this.#take(old.node, input.node, fresh);
      if (both !== undefined) pair.inputs.push(both);
    }
  }

  #reachOf(pair: Pair): ReadonlySet<Group> {
    const own = this.#ownOf(pair).map((found) => this.#groups.of(found));
    const below = [...new Set(pair.inputs.map((input) => input.reach))].filter((reach) => reach.size > 0);
    if (own.length === 0 && below.length <= 1) return below[0] ?? nothing;
    const reach = new Set(own);
    for (const groups of below) for (const group of groups) reach.add(group);
    return reach;
  }

  #ownOf({ before, after }: Pair) {
    const old = { node: before, definition: this.#before.stages[before.use] };
    const now = { node: after, definition: this.#after.stages[after.use] };
    const found = nodeDifferences(old, now);
    if (before.use !== after.use) return found;
    for (const name of new Set([...Object.keys(before.inputs), ...Object.keys(after.inputs)])) {
      found.push(
        ...wiringDifference(name, inputOf(before, name, this.#olds), inputOf(after, name, this.#news), after.stage),
      );
    }
    return found;
  }
}

function inputOf(node: SnapshotNode, name: string, nodes: ReadonlyMap<string, SnapshotNode>) {
  const input = node.inputs[name];
  const from = input === undefined ? undefined : nodes.get(input.node);
  return input === undefined || from === undefined ? undefined : { input, from };
}

/** Finds the differences of what the cells of `matches` are made of, then of the nodes that are in no such cell. */
export function diffGraphs(
  before: PlanSnapshot,
  after: PlanSnapshot,
  matches: Matches<SnapshotCell>,
  groups: ChangeGroups,
): void {
  const plans = new PlanPair(before, after, groups);
  for (const cells of matches.pairs) {
    const root = plans.pair(cells.before.node, cells.after.node);
    for (const group of root?.reach ?? nothing) group.cells.add(cells.after.name);
  }
  const olds = new Map(before.nodes.map((node) => [node.id, node]));
  for (const { id } of after.nodes.toReversed()) {
    const free = olds.has(id) && !plans.paired.before.has(id) && !plans.paired.after.has(id);
    if (free) plans.pair(id, id);
  }
  diffStages(before, after, plans.paired, groups);
}

/** Stages that are new or gone, and those of which no two nodes belong together: their values are compared as sets. */
function diffStages(before: PlanSnapshot, after: PlanSnapshot, paired: PlanPair['paired'], groups: ChangeGroups): void {
  const [olds, news] = [before, after].map((plan) => groupBy(plan.nodes, (node) => node.stage)) as [
    Map<string, SnapshotNode[]>,
    Map<string, SnapshotNode[]>,
  ];
  for (const [stage, [node]] of news) {
    if (olds.has(stage) || node === undefined) continue;
    groups.of({ ...plainChange('stage', 'stage', [], [node.use], stage), origin_after: node.origin });
  }
  for (const [stage, nodes] of olds) {
    const others = news.get(stage);
    const [node] = nodes as [SnapshotNode];
    if (others === undefined) {
      groups.of({ ...plainChange('stage', 'stage', [node.use], [], stage), origin_before: node.origin });
    } else if (!nodes.some(({ id }) => paired.before.has(id)) && !others.some(({ id }) => paired.after.has(id))) {
      for (const found of valueSetDifferences(nodes, others, stage)) groups.of(found);
    }
  }
}

/** The parameters whose values, over all nodes of a stage, are not the same set on both sides. */
function valueSetDifferences(before: readonly SnapshotNode[], after: readonly SnapshotNode[], stage: string) {
  const [olds, news] = [valueSets(before), valueSets(after)];
  return [...new Set([...olds.keys(), ...news.keys()])].flatMap((name) => {
    const [old, now] = [olds.get(name) ?? new Map(), news.get(name) ?? new Map()];
    const same = old.size === now.size && [...old.keys()].every((text) => now.has(text));
    return same ? [] : [plainChange('param', name, [...old.values()], [...now.values()], stage)];
  });
}

function valueSets(nodes: readonly SnapshotNode[]) {
  const sets = new Map<string, Map<string, SnapshotNode['params'][string]>>();
  for (const { params } of nodes) {
    for (const [name, value] of Object.entries(params)) {
      const values = sets.get(name) ?? new Map();
      sets.set(name, values.set(JSON.stringify(value), value));
    }
  }
  return sets;
}
