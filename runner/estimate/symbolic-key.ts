// Tells whether two units are the same work before their cache keys can be known: without weights and data, across specs.
import type { BlobRef } from '../../store/digest.ts';
import { sha256 } from '../../store/digest.ts';
import { canonicalJson, type Json, type JsonObject } from '../../util/json.ts';
import {
  demandedUnits,
  type NodeInput,
  type NodeState,
  type UnitState,
  unitStates,
  unitsRead,
} from '../survey/graph.ts';
import { knownPreimage } from '../survey/preimage.ts';
import { absentSources } from '../survey/sources.ts';
import type { Survey } from '../survey/survey.ts';

/** A unit that is wanted, or a node whose units cannot be known yet, with what identifies its work. */
export interface IdentifiedUnit {
  unit: UnitState;
  /** Equal for equal work: the cache key where it is known, else a digest of all that will decide it. */
  identity: string;
  /** False: it stands for a whole node, as one unit. */
  known: boolean;
}

/**
 * Identifies every wanted unit of a completed survey, in plan order. What has no digest yet is named instead: an input by the
 * identity of the units that make it, a source by its path or `hf://` name. Linear in the number of units that units read.
 */
export async function identifyUnits(survey: Survey): Promise<IdentifiedUnit[]> {
  const identities = new Identities();
  const identified: IdentifiedUnit[] = [];
  for (const state of survey.nodes) {
    const sources = await survey.sources(state);
    const units = demandedUnits(state);
    for (const unit of units ?? unitStates(state, undefined).values()) {
      const identity = identities.add(unit, sources);
      identified.push({ unit, identity, known: units !== undefined });
    }
  }
  return identified;
}

class Identities {
  readonly #ofUnits = new Map<UnitState, string>();
  /** A node whose units are unknown, and a node that is read whole: the same for all its readers. */
  readonly #ofNodes = new Map<NodeState, string>();

  add(unit: UnitState, sources: Readonly<Record<string, BlobRef>>): string {
    const identity = unit.key ?? this.#symbolic(unit, sources);
    if (unit.owner.units === undefined) this.#ofNodes.set(unit.owner, identity);
    else this.#ofUnits.set(unit, identity);
    return identity;
  }

  #symbolic(unit: UnitState, sources: Readonly<Record<string, BlobRef>>): string {
    const preimage = knownPreimage(unit, sources);
    const inputs: Record<string, Json> = { ...(preimage.inputs as unknown as JsonObject) };
    for (const input of unit.owner.inputs) inputs[input.name] ??= this.#input(unit, input);
    const absent = Object.fromEntries(absentSources(unit.owner, sources).map(({ pointer, path }) => [pointer, path]));
    return sha256(canonicalJson({ ...(preimage as unknown as JsonObject), t: 'work/1', inputs, absent }));
  }

  #input(unit: UnitState, input: NodeInput): Json {
    const { from, output } = input;
    const isWhole = unit.unit.needs?.[input.name] === undefined || from.definition.units === undefined;
    if (isWhole) return { output, of: this.#node(from) };
    return { output, units: this.#units(unitsRead(unit, input) ?? []) };
  }

  #node(state: NodeState): string {
    let identity = this.#ofNodes.get(state);
    if (identity === undefined) {
      identity = sha256(canonicalJson(this.#units([...(state.units?.values() ?? [])])));
      this.#ofNodes.set(state, identity);
    }
    return identity;
  }

  #units(units: readonly UnitState[]): JsonObject {
    return Object.fromEntries(units.map((unit) => [unit.unit.name, this.#ofUnits.get(unit) ?? '']));
  }
}
