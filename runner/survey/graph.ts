// The plan as linked nodes, with what is known so far of each node's units.
import type { Plan, PlanNode } from '../../contract/plan.ts';
import { definitionOf } from '../../contract/registry.ts';
import type { Facts, StageDefinition, StageRegistry, Unit } from '../../contract/stage.ts';
import type { KeyPreimage } from '../../store/key.ts';
import type { KnownPreimage, StoreRecord } from '../../store/record.ts';
import { UserError } from '../../util/errors.ts';
import type { UnitName } from './events.ts';

export interface NodeState {
  /** Its place in the plan. */
  index: number;
  node: PlanNode;
  definition: StageDefinition;
  inputs: readonly NodeInput[];
  consumers: NodeState[];
  /** A cell's number lies here, or nobody reads it: all its units are wanted. */
  final: boolean;
  /** Outputs that are read when everything has run, by cells or by people; these have to be whole. */
  shown: ReadonlySet<string> | 'all';
  /** The units that somebody asks for, by name. */
  wanted: Set<string> | 'all';
  /** Undefined while the facts that decide them are unknown. */
  units: ReadonlyMap<string, UnitState> | undefined;
  /** What is known of its outputs without opening them; undefined while nothing is. */
  facts: Facts | undefined;
  /** What `expect` said; recorded facts are laid over it. */
  expected: Facts | undefined;
}

export interface NodeInput {
  name: string;
  output: string;
  from: NodeState;
}

export interface UnitState {
  owner: NodeState;
  /** Its place among the units of its node. */
  index: number;
  unit: Unit;
  /** Undefined until looked up; `depends`: on inputs that have yet to be made. */
  status: 'hit' | 'run' | 'depends' | undefined;
  /** Why it runs although the store has its record: an artifact that somebody needs is not whole any more. */
  lost: string | undefined;
  key: string | undefined;
  preimage: KeyPreimage | undefined;
  /** The same with its text, by which its record is read in less time. */
  known: KnownPreimage | undefined;
  /** Its result, once there is one. It tells what keys are made of; whether its artifacts are there is looked at when they are needed. */
  record: StoreRecord | undefined;
}

/** Links the plan's nodes. Throws UserError for a stage that the registry does not have. */
export function buildGraph(plan: Plan, registry: StageRegistry): NodeState[] {
  const cells = new Set(plan.cells.map((cell) => cell.metric.node));
  const shown = outputsShown(plan);
  const states = new Map<string, NodeState>();
  for (const node of plan.nodes) {
    const state = newState(node, states, registry);
    states.set(node.id, state);
    for (const from of new Set(state.inputs.map((input) => input.from))) from.consumers.push(state);
  }
  const graph = [...states.values()];
  for (const state of graph) {
    state.final = cells.has(state.node.id) || state.consumers.length === 0;
    state.shown = shown.get(state.node.id) ?? (state.consumers.length === 0 ? 'all' : new Set());
  }
  return graph;
}

/** The outputs that cells read, by node. */
function outputsShown({ cells }: Plan): Map<string, Set<string>> {
  const shown = new Map<string, Set<string>>();
  for (const { metric, beside } of cells) {
    for (const { node, output } of [metric, ...Object.values(beside)]) {
      shown.set(node, (shown.get(node) ?? new Set()).add(output));
    }
  }
  return shown;
}

function newState(node: PlanNode, earlier: ReadonlyMap<string, NodeState>, registry: StageRegistry): NodeState {
  const definition = definitionOf(registry, node);
  if (definition === undefined) throw new UserError(`stage '${node.stage}': there is no stage '${node.use}' to use`);
  const inputs = Object.entries(node.inputs).map(([name, input]) => {
    const from = earlier.get(input.node);
    if (from === undefined) throw new Error(`plan node '${node.id}' comes before its input '${input.node}'`);
    return { name, output: input.output, from };
  });
  const wanted = new Set<string>();
  const open = { units: undefined, facts: undefined, expected: undefined };
  const asked = { final: false, shown: new Set<string>(), wanted };
  return { index: earlier.size, node, definition, inputs, consumers: [], ...asked, ...open };
}

/** The states of a node's units; `undefined` stands for a stage without units, which may read some units of its inputs alone. */
export function unitStates(
  owner: NodeState,
  units: readonly Unit[] | undefined,
  needs?: NonNullable<Unit['needs']>,
): Map<string, UnitState> {
  const states = new Map<string, UnitState>();
  for (const unit of units ?? [{ name: '', params: owner.node.params, ...(needs && { needs }) }]) {
    if (states.has(unit.name) || (units !== undefined && unit.name === '')) {
      throw new Error(`stage '${owner.node.use}' has two units named '${unit.name}' or one without a name`);
    }
    const open = {
      status: undefined,
      lost: undefined,
      key: undefined,
      preimage: undefined,
      known: undefined,
      record: undefined,
    };
    states.set(unit.name, { owner, index: states.size, unit, ...open });
  }
  return states;
}

/** The units of an input's node that a unit reads; undefined while they are unknown. */
export function unitsRead(unit: UnitState, input: NodeInput): readonly UnitState[] | undefined {
  const all = input.from.units;
  if (all === undefined) return undefined;
  const needs = unit.unit.needs?.[input.name];
  if (needs === undefined || input.from.definition.units === undefined) return [...all.values()];
  return needs.map((name) => {
    const found = all.get(name);
    if (found !== undefined) return found;
    const made = [...all.keys()].map((each) => `'${each}'`).join(', ');
    throw new UserError(
      `stage '${unit.owner.node.stage}', unit '${unit.unit.name}': input '${input.name}' needs '${name}', ` +
        `but stage '${input.from.node.stage}' makes ${made}`,
    );
  });
}

/** All units that a unit reads, as far as they are known. */
export function allRead(unit: UnitState): readonly UnitState[] {
  return unit.owner.inputs.flatMap((input) => unitsRead(unit, input) ?? []);
}

/** The nodes by their distance from the sources: none reads another of its level, and all that it reads is in levels before. */
export function levelsOf(graph: readonly NodeState[]): NodeState[][] {
  const places = new Map<NodeState, number>();
  const levels: NodeState[][] = [];
  for (const state of graph) {
    const place = Math.max(0, ...state.inputs.map(({ from }) => (places.get(from) ?? 0) + 1));
    places.set(state, place);
    const level = levels[place] ?? [];
    levels[place] = level;
    level.push(state);
  }
  return levels;
}

/** Marks what cells and consumers ask for, from the last node to the first; once, when all that can be known is. */
export function markDemand(graph: readonly NodeState[]): void {
  for (const state of graph.toReversed()) {
    if (state.final) state.wanted = 'all';
    const readers = demandedUnits(state);
    for (const input of state.inputs) {
      if (readers === undefined) input.from.wanted = 'all';
      else for (const reader of readers) addWanted(input.from, reader.unit.needs?.[input.name]);
    }
  }
}

function addWanted(state: NodeState, names: readonly string[] | undefined): void {
  if (names === undefined) state.wanted = 'all';
  if (state.wanted !== 'all') for (const name of names ?? []) state.wanted.add(name);
}

/** The units of a node that cells or consumers ask for, in order; undefined while its units are unknown. */
export function demandedUnits(state: NodeState): readonly UnitState[] | undefined {
  if (state.units === undefined) return undefined;
  const all = [...state.units.values()];
  const { wanted } = state;
  return wanted === 'all' || state.definition.units === undefined
    ? all
    : all.filter(({ unit }) => wanted.has(unit.name));
}

/** The name of a unit for events and sentences. */
export function nameOf({ owner, unit }: UnitState): UnitName {
  return { node: owner.node.id, stage: owner.node.stage, cell: owner.node.cell, unit: unit.name };
}
