// Answers `why`: what a unit's key is made of, how it differs from the nearest earlier one, and what lies below it.
import { codePointer, type Origin, type Plan, type PlanNode } from '../../contract/plan.ts';
import type { JsonObject, StageRegistry } from '../../contract/stage.ts';
import type { BlobRef } from '../../store/digest.ts';
import type { KeyPreimage } from '../../store/key.ts';
import type { StoreRecord } from '../../store/record.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { canonicalJson, type Json } from '../../util/json.ts';
import type { UnitName } from '../survey/events.ts';
import { demandedUnits, type NodeState, nameOf, type UnitState, unitStates, unitsRead } from '../survey/graph.ts';
import { knownPreimage, valueAt } from '../survey/preimage.ts';
import { Survey } from '../survey/survey.ts';
import { type Difference, differences } from './difference.ts';

/** Why a unit is a hit, would run, or waits. */
export interface Explanation extends UnitName {
  use: string;
  status: 'hit' | 'run' | 'depends';
  /** Null while inputs have yet to be made. */
  key: string | null;
  /** True when it runs because --force names its stage. */
  forced: boolean;
  /** What is missing or damaged of a result that the store has the record of; null for all others. */
  lost: string | null;
  /** The record of a hit. */
  record: StoreRecord | null;
  /** The nearest earlier record of the same stage, with another key; null when there is none. */
  earlier: StoreRecord | null;
  /** What differs from the earlier record; inputs that have yet to be made are left out. */
  differences: readonly ExplainedDifference[];
  /** Inputs with the same bytes as in the earlier record. */
  same_inputs: readonly string[];
  /** Inputs that have yet to be made. */
  open_inputs: readonly string[];
}

export interface ExplainedDifference extends Difference {
  /** Where the spec says so, for parameters and sources. */
  origin: Origin | null;
}

/** One step of the way from sources to a number. */
export interface LineageStep extends UnitName {
  use: string;
  status: 'hit' | 'run' | 'depends';
  key: string | null;
  params: JsonObject;
  /** The files and folders that it reads, by parameter. */
  sources: Readonly<Record<string, BlobRef & { path: string }>>;
  /** Whose outputs it reads, by input. */
  inputs: Readonly<Record<string, readonly UnitName[]>>;
  record: StoreRecord | null;
}

/** Explains every wanted unit of a node, or the one named. Throws UserError when there is no such node or unit. */
export async function explain(
  plan: Plan,
  registry: StageRegistry,
  store: Store,
  what: { node: string; unit?: string | undefined },
): Promise<Explanation[]> {
  const { survey, units } = await surveyed(plan, registry, store, what);
  const records = await recordsOf(store, units[0]?.owner.definition.name);
  return Promise.all(units.map((unit) => explainUnit(unit, survey, records)));
}

/** A unit and everything below it, each once, a unit before what it reads. */
export async function lineage(
  plan: Plan,
  registry: StageRegistry,
  store: Store,
  what: { node: string; unit?: string | undefined },
): Promise<LineageStep[]> {
  const { survey, units } = await surveyed(plan, registry, store, what);
  const seen = new Set(units);
  const steps: LineageStep[] = [];
  for (const unit of seen) {
    steps.push(await stepOf(unit, survey));
    for (const input of unit.owner.inputs) for (const read of unitsRead(unit, input) ?? []) seen.add(read);
  }
  return steps;
}

async function surveyed(
  plan: Plan,
  registry: StageRegistry,
  store: Store,
  { node, unit }: { node: string; unit?: string | undefined },
): Promise<{ survey: Survey; units: readonly UnitState[] }> {
  const survey = new Survey(plan, registry, store);
  await survey.complete();
  const state = survey.nodes.find((each) => each.node.id === node);
  if (state === undefined) throw new UserError(`there is no '${node}' in '${plan.experiment}'`);
  const units = demandedUnits(state);
  // As long as the units are unknown, the stage as a whole is explained.
  if (units === undefined) return { survey, units: [...unitStates(state, undefined).values()] };
  if (unit === undefined) return { survey, units };
  return { survey, units: [unitNamed(state, units, unit)] };
}

function unitNamed(state: NodeState, units: readonly UnitState[], name: string): UnitState {
  const found = units.find((each) => each.unit.name === name);
  if (found !== undefined) return found;
  const names = units.map((each) => `'${each.unit.name}'`).join(', ');
  throw new UserError(`'${state.node.id}' has no unit '${name}', expected one of ${names}`);
}

async function recordsOf(store: Store, use: string | undefined): Promise<StoreRecord[]> {
  const records: StoreRecord[] = [];
  for await (const record of store.records()) if (record.preimage.stage === use) records.push(record);
  return records;
}

async function explainUnit(unit: UnitState, survey: Survey, records: readonly StoreRecord[]): Promise<Explanation> {
  const { node } = unit.owner;
  const preimage = unit.preimage ?? knownPreimage(unit, await survey.sources(unit.owner));
  const isOpen = (name: string) => unit.preimage === undefined && !(name in preimage.inputs);
  const open_inputs = unit.owner.inputs.map(({ name }) => name).filter(isOpen);
  const known = (earlier: KeyPreimage) => withoutInputs(earlier, open_inputs);
  const earlier = nearest(unit, preimage, records, known);
  const found = earlier === undefined ? [] : differences(known(earlier.preimage), preimage);
  return {
    ...nameOf(unit),
    use: node.use,
    status: unit.status ?? 'depends',
    key: unit.key ?? null,
    forced: node.force,
    lost: unit.lost ?? null,
    record: recordOfHit(unit),
    earlier: earlier ?? null,
    differences: found.map((each) => ({ ...each, origin: originOf(node, each.pointer) })),
    same_inputs: Object.keys(preimage.inputs).filter((name) => sameInput(preimage, earlier?.preimage, name)),
    open_inputs,
  };
}

/**
 * The record that is closest: by the number of differences, to which another place in the pipeline adds, then the latest. Work that
 * another experiment did first has that one's place.
 */
function nearest(
  unit: UnitState,
  preimage: KeyPreimage,
  records: readonly StoreRecord[],
  known: (preimage: KeyPreimage) => KeyPreimage,
): StoreRecord | undefined {
  const { stage, cell } = unit.owner.node;
  const others = records.filter((record) => record.key !== unit.key);
  const elsewhere = ({ about }: StoreRecord) =>
    (about.unit === unit.unit.name ? 0 : 4) + (about.stage === stage ? 0 : 2) + (about.cell === cell ? 0 : 1);
  const ranked = others.map((record) => {
    return { record, distance: differences(known(record.preimage), preimage).length + elsewhere(record) };
  });
  ranked.sort((a, b) => a.distance - b.distance || later(a.record, b.record));
  return ranked[0]?.record;
}

function later(a: StoreRecord, b: StoreRecord): number {
  return a.about.started > b.about.started ? -1 : 1;
}

function withoutInputs(preimage: KeyPreimage, names: readonly string[]): KeyPreimage {
  const inputs = Object.entries(preimage.inputs).filter(([name]) => !names.includes(name));
  return { ...preimage, inputs: Object.fromEntries(inputs) };
}

function sameInput(a: KeyPreimage, b: KeyPreimage | undefined, name: string): boolean {
  const [one, other] = [a.inputs[name], b?.inputs[name]];
  return other !== undefined && canonicalJson(one as unknown as Json) === canonicalJson(other as unknown as Json);
}

/** Where a parameter was written: its own place, or that of the value that holds it. */
function originOf({ origins }: PlanNode, pointer: string): Origin | null {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const origin = origins[at];
    if (origin !== undefined) return origin;
  }
  return null;
}

async function stepOf(unit: UnitState, survey: Survey): Promise<LineageStep> {
  const { node, inputs } = unit.owner;
  const digests = Object.entries(await survey.sources(unit.owner));
  const sources = digests.map(([pointer, ref]) => {
    const path = pointer === codePointer ? (node.module ?? node.use) : valueAt(node.params, pointer);
    return [pointer.slice(1), { ...ref, path: String(path) }] as const;
  });
  const read = inputs.map((input) => [input.name, (unitsRead(unit, input) ?? []).map(nameOf)] as const);
  return {
    ...nameOf(unit),
    use: node.use,
    status: unit.status ?? 'depends',
    key: unit.key ?? null,
    params: unit.unit.params,
    sources: Object.fromEntries(sources),
    inputs: Object.fromEntries(read),
    record: recordOfHit(unit),
  };
}

/** A record whose artifacts are not there any more is no result. */
function recordOfHit({ status, record }: UnitState): StoreRecord | null {
  return status === 'hit' ? (record ?? null) : null;
}
