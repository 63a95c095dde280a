// Finds out which artifacts will be read, and that those which are not whole are made again. What nobody reads need not be there.
import type { Look, Store } from '../../store/store.ts';
import type { Damages } from './damage.ts';
import { demandedUnits, type NodeState, type UnitState, unitsRead } from './graph.ts';

/** How it is asked: `run` is about to spend, `look` only tells what a run would do. */
export type Purpose = 'run' | 'look';

/**
 * Goes from the last node to the first. What cells and people read has to be whole; what a unit reads that will run has to be there (its
 * worker reads it over), and so has what an earlier pass missed. A unit of which something is missing will run too, and then needs its
 * own inputs. Of a unit that waits for others it is not known whether it will run: a run finds out later, a look assumes so.
 */
export async function findNeeds(
  nodes: readonly NodeState[],
  store: Store,
  damages: Damages,
  purpose: Purpose,
): Promise<void> {
  const needs = new Needs(store, damages, purpose);
  for (const state of nodes.toReversed()) {
    await Promise.all((demandedUnits(state) ?? []).map((unit) => needs.visit(unit)));
  }
}

class Needs {
  readonly #store: Store;
  readonly #damages: Damages;
  readonly #purpose: Purpose;
  /** Outputs that units will read, by whose they are. */
  readonly #read = new Map<UnitState, Set<string>>();
  /** One look at each artifact, however many need it. */
  readonly #looks = new Map<string, ReturnType<Store['check']>>();

  constructor(store: Store, damages: Damages, purpose: Purpose) {
    this.#store = store;
    this.#damages = damages;
    this.#purpose = purpose;
  }

  async visit(unit: UnitState): Promise<void> {
    if (unit.status === 'hit') unit.lost = await this.#findLost(unit);
    if (unit.lost !== undefined) unit.status = 'run';
    if (unit.status === 'run' || (unit.status === 'depends' && this.#purpose === 'look')) this.#needInputs(unit);
  }

  #needInputs(unit: UnitState): void {
    for (const input of unit.owner.inputs) {
      for (const from of unitsRead(unit, input) ?? []) {
        const outputs = this.#read.get(from);
        if (outputs === undefined) this.#read.set(from, new Set([input.output]));
        else outputs.add(input.output);
      }
    }
  }

  async #findLost(unit: UnitState): Promise<string | undefined> {
    const { shown } = unit.owner;
    const outputs = unit.record?.outputs ?? {};
    const needed = new Map<string, Look>();
    for (const name of this.#read.get(unit) ?? []) needed.set(name, 'glance');
    for (const [name, ref] of Object.entries(outputs)) if (this.#damages.isWanted(ref)) needed.set(name, 'glance');
    const look = this.#purpose === 'run' ? 'use' : 'glance';
    for (const name of shown === 'all' ? Object.keys(outputs) : shown) needed.set(name, look);
    let lost: string | undefined;
    for (const [name, look] of needed) {
      const ref = outputs[name];
      const damage = ref && (await this.#look(`${look} ${ref.digest}-${ref.size}`, () => this.#store.check(ref, look)));
      if (ref && damage) lost ??= this.#damages.artifact(unit, name, ref, damage);
    }
    return lost;
  }

  #look(name: string, look: () => ReturnType<Store['check']>): ReturnType<Store['check']> {
    const known = this.#looks.get(name) ?? look();
    this.#looks.set(name, known);
    return known;
  }
}
