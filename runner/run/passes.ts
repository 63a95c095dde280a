// The passes of a run through its plan: one as a rule, more where something has to be made again first.
import type { Plan } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import type { SourceRef } from '../../store/hub-source.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import type { Executor } from '../executor/executor.ts';
import { Damages } from '../survey/damage.ts';
import type { RunEvent } from '../survey/events.ts';
import { countUnits, Survey } from '../survey/survey.ts';
import { Dataflow } from './dataflow.ts';
import { type RunOptions, usualGrace_ms } from './options.ts';
import type { FailedUnit, UnitOutcome } from './outcome.ts';

/** A store that loses artifacts faster than they are made is no store. */
const mostPasses = 20;

/**
 * A run goes through its plan once, and again as long as something was put off because an input has to be made again, or came out with
 * other bytes than those that had been counted on. What is there by then is found in the store.
 */
export class Passes {
  #plan: Plan;
  readonly #registry: StageRegistry;
  readonly #store: Store;
  readonly #options: RunOptions;
  readonly #emit: (event: RunEvent) => void;
  readonly #damages: Damages;
  readonly #pins: Map<string, Promise<SourceRef>>;
  readonly #seen = new Map<string, readonly string[]>();
  /** What earlier passes made: node, unit and key. */
  readonly #ran = new Set<string>();
  /** What earlier passes could not make, by key. */
  readonly #failed = new Map<string, FailedUnit>();
  #left = mostPasses;

  constructor(plan: Plan, registry: StageRegistry, store: Store, options: RunOptions, emit: (event: RunEvent) => void) {
    this.#plan = plan;
    this.#registry = registry;
    this.#store = store;
    this.#options = options;
    this.#pins = new Map(options.pins);
    this.#emit = emit;
    this.#damages = new Damages(emit);
  }

  /** Meets the plan with the store; once more, where records were put aside while it did. Throws UserError as a survey does. */
  async survey(): Promise<Survey> {
    for (;;) {
      const suspects = this.#damages.suspects;
      const shared = { damages: this.#damages, pins: this.#pins, seen: this.#seen, signal: this.#options.signal };
      const survey = new Survey(this.#plan, this.#registry, this.#store, { purpose: 'run', ...shared });
      await survey.complete();
      if (this.#damages.suspects === suspects) return survey;
    }
  }

  /** Lets everything flow once. `units` are the outcomes by node; `isStale`: the plan has to be gone through again. */
  async flow(survey: Survey, executor: Executor): Promise<{ units: UnitOutcome[][]; isStale: boolean }> {
    const {
      keepGoing = true,
      retries = 0,
      timeout_ms,
      grace_ms = usualGrace_ms,
      versions = { node: process.versions.node },
      signal,
      refuses,
    } = this.#options;
    const limits = { keepGoing, retries, timeout_ms, grace_ms };
    const shared = { store: this.#store, survey, executor, emit: this.#emit, versions, refuses, ...limits };
    const isCancelled = () => signal?.aborted ?? false;
    this.#emit({ type: 'planned', counts: countUnits(survey.nodes) });
    this.#damages.nextPass();
    const flow = new Dataflow({ ...shared, isCancelled, failed: this.#failed, experiment: this.#plan.experiment });
    const all = Promise.all(survey.nodes.map((state) => flow.finishNode(state)));
    const found = await Promise.race([all, flow.broken]);
    await Promise.race([flow.quiet(), flow.broken]);
    const units = found.map((node, i) => node.map((unit) => this.#asMade(i, unit)));
    found.forEach((node, i) => {
      for (const unit of node) this.#remember(i, unit);
    });
    if (flow.isStale) this.#prepareNext(units);
    return { units, isStale: flow.isStale };
  }

  /** What was to run again whatever there was (--force) has done so, where nothing of it was put off. */
  #prepareNext(units: readonly UnitOutcome[][]): void {
    const isOpen = (i: number) => units[i]?.some(({ status }) => status === 'blocked') ?? true;
    const nodes = this.#plan.nodes.map((node, i) => (node.force && !isOpen(i) ? { ...node, force: false } : node));
    this.#plan = { ...this.#plan, nodes };
    if (--this.#left > 0) return;
    const { folder } = this.#store;
    throw new UserError(
      `'${folder}' loses artifacts as fast as they are made; check the disk, or choose another --store`,
    );
  }

  #remember(node: number, unit: UnitOutcome): void {
    if (unit.status === 'failed' && unit.key !== null) this.#failed.set(unit.key, unit);
    if (unit.status === 'ran') this.#ran.add(nameOf(node, unit));
  }

  /** What an earlier pass made is found in the store by a later one, and was made by this run nevertheless. */
  #asMade(node: number, unit: UnitOutcome): UnitOutcome {
    return unit.status === 'cached' && this.#ran.has(nameOf(node, unit)) ? { ...unit, status: 'ran' } : unit;
  }
}

function nameOf(node: number, { unit, key }: UnitOutcome): string {
  return `${node} ${unit} ${key}`;
}
