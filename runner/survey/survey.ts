// Finds out, before anything runs, what the store already holds: facts, units, keys and records, in plan order.
import { existsSync } from 'node:fs';
import type { Plan, PlanNode } from '../../contract/plan.ts';
import type { Facts, StageRegistry } from '../../contract/stage.ts';
import { HubRefused, HubUnreachable } from '../../hub/errors.ts';
import { isHubName } from '../../hub/name.ts';
import { type NodeWarning, sentence } from '../../spec/plan/warnings.ts';
import { type BlobRef, sha256 } from '../../store/digest.ts';
import type { SourceRef } from '../../store/hub-source.ts';
import { preimageText } from '../../store/key.ts';
import type { StoreRecord } from '../../store/record.ts';
import type { Store } from '../../store/store.ts';
import { isUserError, UserError } from '../../util/errors.ts';
import { canonicalJson } from '../../util/json.ts';
import { Damages } from './damage.ts';
import { describeUnit, type UnitCounts } from './events.ts';
import {
  allRead,
  buildGraph,
  demandedUnits,
  levelsOf,
  markDemand,
  type NodeState,
  type UnitState,
  unitStates,
  unitsRead,
} from './graph.ts';
import { findNeeds, type Purpose } from './needs.ts';
import { withPins } from './pin.ts';
import { preimageOf, valueAt } from './preimage.ts';
import { absentSources, sourcesOf } from './sources.ts';

export interface SurveyOptions {
  /** What is found damaged goes there. */
  damages?: Damages;
  purpose?: Purpose;
  /** Whether a source that does not exist is an error, or leaves its unit (and what follows) waiting. */
  absence?: 'fails' | 'waits';
  /** Stops the reading of sources. */
  signal?: AbortSignal | undefined;
  /** What names on the hub mean: one commit for a whole run, even when a branch moves on. */
  pins?: Map<string, Promise<SourceRef>>;
  /** What `preflight` told of the files, by node: it is asked once for a whole run. */
  seen?: Map<string, readonly string[]>;
}

/** A plan met with a store. */
export class Survey {
  readonly nodes: readonly NodeState[];
  /** Why a source is not there, by path or `hf://` name. */
  readonly absences = new Map<string, string>();
  readonly damages: Damages;
  readonly #store: Store;
  /** What `preflight` told of the files, by node. */
  readonly #seen: Map<string, readonly string[]>;
  readonly #looks = new Map<UnitState, Promise<void>>();
  readonly #sources = new Map<NodeState, Promise<Record<string, BlobRef>>>();
  readonly #pins: Map<string, Promise<SourceRef>>;
  readonly #purpose: Purpose;
  readonly #absence: 'fails' | 'waits';
  readonly #signal: AbortSignal | undefined;

  constructor(plan: Plan, registry: StageRegistry, store: Store, options: SurveyOptions = {}) {
    this.nodes = buildGraph(plan, registry);
    this.#store = store;
    this.damages = options.damages ?? new Damages(() => {});
    this.#purpose = options.purpose ?? 'look';
    this.#absence = options.absence ?? 'fails';
    this.#signal = options.signal;
    this.#pins = options.pins ?? new Map();
    this.#seen = options.seen ?? new Map();
  }

  /**
   * Looks up every unit that is wanted, and every artifact that will be read. Throws UserError for sources that cannot be read and
   * impossible parameters.
   */
  async complete(): Promise<void> {
    for (const level of levelsOf(this.nodes)) await this.#settleAll(level, inNameOf);
    markDemand(this.nodes);
    await this.#look(
      this.nodes.flatMap((state) => demandedUnits(state) ?? []),
      inNameOf,
    );
    await findNeeds(this.nodes, this.#store, this.damages, this.#purpose);
  }

  /** Asks every stage that has something to do for what would stop it, once for the same parameters, but those whose sources are not there. */
  async preflight(): Promise<void> {
    const asked = new Map<string, readonly string[]>();
    for (const state of this.nodes) {
      const { node, definition } = state;
      const isDone = demandedUnits(state)?.every(({ status }) => status === 'hit') ?? false;
      const question = `${node.use} ${canonicalJson(node.params)}`;
      if (definition.preflight === undefined || isDone) continue;
      if (!asked.has(question)) {
        if (absentSources(state, await this.sources(state)).length > 0) continue;
        const said = await inNameOf(node, () => definition.preflight?.(node.params));
        asked.set(question, (said ?? []).map(sentence));
      }
      this.#seen.set(node.id, asked.get(question) ?? []);
    }
  }

  /** What a stage warns of by its parameters, by the facts of its inputs as far as they are known, and by files that were looked at. */
  warningsOf(state: NodeState): readonly string[] {
    const { definition, node } = state;
    const said = (definition.warn?.(node.params, inputFacts(state)) ?? []).map(sentence);
    return [...new Set([...said, ...(this.#seen.get(node.id) ?? [])])];
  }

  /** The same of all stages, and what the records of the wanted units say. */
  warnings(): NodeWarning[] {
    return this.nodes.flatMap((state) => {
      const records = (demandedUnits(state) ?? []).flatMap(({ record }) => record?.about.warnings ?? []);
      const said = new Set([...this.warningsOf(state), ...records]);
      return [...said].map((message) => ({ node: state.node.id, message }));
    });
  }

  /** Works out a node's facts and units from its inputs' facts, as far as these are known. Whoever asks for one node names it in errors. */
  async settle(state: NodeState): Promise<void> {
    await this.#settleAll([state], unnamed);
  }

  /** The same of nodes none of which reads another: their records are looked up together. */
  async #settleAll(states: readonly NodeState[], within: Within): Promise<void> {
    for (const state of states) await within(state.node, () => this.#makeUnits(state));
    const single = states.filter(({ definition }) => definition.units === undefined);
    await this.#look(
      single.flatMap(({ units }) => [...(units?.values() ?? [])]),
      within,
    );
    for (const state of states) this.updateFacts(state);
  }

  async #makeUnits(state: NodeState): Promise<void> {
    const { definition, node } = state;
    const inputs = inputFacts(state);
    await this.expect(state);
    if (definition.units === undefined && definition.needs === undefined) state.units = unitStates(state, undefined);
    else if (allKnown(inputs)) {
      const units = definition.units?.(node.params, inputs);
      state.units = unitStates(state, units, definition.needs?.(node.params, inputs));
    }
  }

  /** Asks the stage what it expects of its outputs, now that more of its inputs' facts may be known. */
  async expect(state: NodeState): Promise<void> {
    if (state.expected !== undefined || state.definition.expect === undefined) return;
    const { node } = state;
    const isOnHub = node.paths.some((pointer) => isHubName(String(valueAt(node.params, pointer))));
    const params = isOnHub ? withPins(node.params, await this.sources(state)) : node.params;
    state.expected = await state.definition.expect(params, inputFacts(state));
  }

  /**
   * A stage without units: what is expected, overlaid by what its record says. A stage with units: what is expected
   * and nothing else, so that what consumers plan does not depend on which units happen to have run.
   */
  updateFacts(state: NodeState): void {
    const recorded = state.units?.get('')?.record?.facts;
    if (state.definition.units !== undefined) state.facts = state.expected ?? {};
    else state.facts = recorded === undefined ? state.expected : { ...state.expected, ...recorded };
  }

  /** Looks units up, each once, and before them those that they read; afterwards their status is known. */
  async #look(units: readonly UnitState[], within: Within): Promise<void> {
    const read = new Set(units.filter((unit) => !this.#looks.has(unit)).flatMap(allRead));
    const first = [...read].filter((unit) => !this.#looks.has(unit));
    if (first.length > 0) await this.#look(first, within);
    const fresh = units.filter((unit) => !this.#looks.has(unit));
    const look = this.#lookUp(fresh, within);
    for (const unit of fresh) this.#looks.set(unit, look);
    await Promise.all(new Set(units.map((unit) => this.#looks.get(unit))));
  }

  /** The unit's key and pre-image, if all its inputs have records; kept in the unit. */
  async computeKey(unit: UnitState): Promise<string | undefined> {
    const sources = await this.sources(unit.owner);
    unit.preimage = absentSources(unit.owner, sources).length > 0 ? undefined : preimageOf(unit, sources);
    const text = unit.preimage && preimageText(unit.preimage);
    unit.known = unit.preimage && text !== undefined ? { preimage: unit.preimage, text } : undefined;
    unit.key = text === undefined ? undefined : sha256(text);
    return unit.key;
  }

  /** The record of the unit's key; one that is damaged is reported. */
  async find(unit: UnitState, fresh = false): Promise<StoreRecord | undefined> {
    return (await this.#findAll([unit], fresh))[0];
  }

  async #findAll(units: readonly UnitState[], fresh = false): Promise<(StoreRecord | undefined)[]> {
    if (units.length === 0) return [];
    const lookups = units.map(({ key, known, owner }) => {
      return { key: key as string, known, shape: owner.definition.outputs, fresh };
    });
    const found = await this.#store.find(lookups);
    return found.map((each, i) => {
      if (each.status === 'damaged') this.damages.record(units[i] as UnitState, each.detail);
      return each.status === 'hit' ? each.record : undefined;
    });
  }

  /** The same for a result that another runner may have made, with `fresh` on another host just now: only with all its artifacts in their places. */
  async findWhole(unit: UnitState, fresh = false): Promise<StoreRecord | undefined> {
    const record = await this.find(unit, fresh);
    for (const [name, ref] of Object.entries(record?.outputs ?? {})) {
      const damage = await this.#store.check(ref, 'glance');
      if (damage === undefined) continue;
      this.damages.artifact(unit, name, ref, damage);
      return undefined;
    }
    return record;
  }

  /** The bytes that the node's path parameters name; read again with `fresh`. */
  sources(state: NodeState, fresh = false): Promise<Record<string, BlobRef>> {
    let sources = fresh ? undefined : this.#sources.get(state);
    if (sources === undefined) {
      sources = sourcesOf(state, (path) => this.#digestOrNone(path), fresh);
      if (!fresh) this.#sources.set(state, sources);
    }
    return sources;
  }

  /** Undefined for a source that is not there, or not to be had, where that is no error. */
  async #digestOrNone(path: string): Promise<SourceRef | undefined> {
    if (this.#absence === 'fails') return this.#digest(path);
    if (!isHubName(path) && !existsSync(path)) {
      this.absences.set(path, 'it does not exist');
      return undefined;
    }
    try {
      return await this.#digest(path);
    } catch (error) {
      if (!(error instanceof HubUnreachable || error instanceof HubRefused)) throw error;
      this.absences.set(path, error instanceof HubRefused ? error.message : 'the hub cannot be reached');
      return undefined;
    }
  }

  #digest(path: string): Promise<SourceRef> {
    if (!isHubName(path)) return this.#store.digestSource(path, this.#signal);
    const pin = this.#pins.get(path) ?? this.#store.digestSource(path, this.#signal);
    this.#pins.set(path, pin);
    return pin;
  }

  /** All that these units read has been looked up, or is about to be. */
  async #lookUp(units: readonly UnitState[], within: Within): Promise<void> {
    const asked: UnitState[] = [];
    for (const unit of units) {
      await within(unit.owner.node, async () => {
        const hasKey = (await this.#inputsHaveRecords(unit)) && (await this.computeKey(unit)) !== undefined;
        unit.status = hasKey ? 'run' : 'depends';
        if (hasKey && !unit.owner.node.force) asked.push(unit);
      });
    }
    const records = await this.#findAll(asked);
    asked.forEach((unit, i) => {
      unit.record = records[i];
      if (unit.record !== undefined) unit.status = 'hit';
    });
  }

  /** A record that is whole is enough for the keys of all that read its artifacts. */
  async #inputsHaveRecords(unit: UnitState): Promise<boolean> {
    for (const input of unit.owner.inputs) {
      const read = unitsRead(unit, input);
      if (read === undefined) return false;
      await Promise.all(read.map((each) => this.#looks.get(each)));
      if (read.some((each) => each.record === undefined)) return false;
    }
    return true;
  }
}

/** How work for a node is done: what it throws may get the node's name. */
type Within = <T>(node: PlanNode, work: () => Promise<T> | undefined) => Promise<T | undefined>;

const unnamed: Within = async (_node, work) => work();

/** Puts the stage and its cell before the message of a UserError. */
async function inNameOf<T>({ stage, cell }: PlanNode, work: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isUserError(error) || error.message.startsWith(`stage '${stage}'`)) throw error;
    throw new UserError(`${describeUnit({ stage, cell, unit: '' })}: ${error.message}`, { cause: error });
  }
}

/** How many wanted units are there, will run, or depend; a stage whose units are unknown counts as one. */
export function countUnits(nodes: readonly NodeState[]): UnitCounts {
  const counts: UnitCounts = { hit: 0, run: 0, depends: 0 };
  for (const state of nodes) {
    const units = demandedUnits(state);
    if (units === undefined) counts.depends++;
    else for (const unit of units) counts[unit.status ?? 'depends']++;
  }
  return counts;
}

/** True when nothing is left to run. */
export function isAllThere({ nodes }: Pick<Survey, 'nodes'>): boolean {
  const { run, depends } = countUnits(nodes);
  return run + depends === 0;
}

function inputFacts(state: NodeState): Record<string, Facts | undefined> {
  return Object.fromEntries(state.inputs.map((input) => [input.name, input.from.facts]));
}

function allKnown(facts: Record<string, Facts | undefined>): facts is Record<string, Facts> {
  return Object.values(facts).every((each) => each !== undefined);
}
