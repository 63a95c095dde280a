// The flow of a run: every unit waits for what it reads, then is answered from the store or goes to an attempt.
import { setTimeout as sleep } from 'node:timers/promises';
import { sameOutputs } from '../../store/record.ts';
import type { Lease } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { canonicalJson } from '../../util/json.ts';
import type { Executor, Need } from '../executor/executor.ts';
import { memoryOf } from '../survey/cost.ts';
import { demandedUnits, type NodeState, nameOf, type UnitState, unitStates, unitsRead } from '../survey/graph.ts';
import { countUnits } from '../survey/survey.ts';
import { tryUnits } from './attempt.ts';
import type { AttemptContext, Undecided } from './attempt-run.ts';
import { failureOf, mayPass, troubleFrom } from './failure.ts';
import { type FailedUnit, succeeded, type UnitOutcome } from './outcome.ts';
import { blockedOf, cancelledOf, failedOf, successOf } from './unit-outcome.ts';

const firstPoll_ms = 50;
const slowestPoll_ms = 1000;

/** A unit may so often lose its lease or its files to other runners and be begun anew. */
const mostLosses = 3;

export interface FlowContext extends Omit<AttemptContext, 'settle' | 'goAgain' | 'stoppedBy' | 'triesAgain'> {
  executor: Executor;
  /** False: the first failure stops what has not started. */
  keepGoing: boolean;
  /** How often a unit is tried again whose attempt failed. */
  retries: number;
  /** Why a unit may not be answered or made; undefined where it may. */
  refuses?: ((unit: UnitState) => string | undefined) | undefined;
  /** What failed in an earlier pass of the run, by key: it is not tried again. */
  failed: ReadonlyMap<string, FailedUnit>;
}

/** Runs the nodes of a survey. Each method may be called often; the work is done once. */
export class Dataflow {
  /** Rejects on a bug in the runner; never resolves. */
  readonly broken: Promise<never>;
  #break: (error: unknown) => void = () => {};
  readonly #context: FlowContext;
  readonly #opened = new Map<NodeState, Promise<UnitOutcome | undefined>>();
  readonly #prepared = new Map<UnitState, Promise<UnitOutcome | undefined>>();
  readonly #finished = new Map<UnitState, Promise<UnitOutcome>>();
  readonly #groups = new Map<NodeState, Promise<void>>();
  /** Units under way or done in this run, by key: nodes that share a unit share its work. */
  readonly #byKey = new Map<string, { unit: UnitState; outcome: Promise<UnitOutcome> }>();
  /** Attempts and waits, until they are over. */
  readonly #under = new Set<Promise<void>>();
  readonly #settlers = new Map<UnitState, (outcome: UnitOutcome) => void>();
  readonly #losses = new Map<UnitState, number>();
  readonly #retries = new Map<UnitState, number>();
  /** The node whose failure stopped the run, when it does not keep going or cannot. */
  #stoppedBy: string | undefined;
  #isStale = false;
  readonly #suspects: number;

  constructor(context: FlowContext) {
    this.#context = context;
    this.#suspects = context.survey.damages.suspects;
    this.broken = new Promise((_, reject) => {
      this.#break = reject;
    });
    this.broken.catch(() => {});
  }

  /**
   * True when the plan has to be gone through again: something was put off, came out other than its readers were told, or was put aside
   * after it had been looked up.
   */
  get isStale(): boolean {
    const isStale = this.#isStale || this.#context.survey.damages.suspects > this.#suspects;
    return isStale && !this.#isStopped();
  }

  /** All wanted units of a node, in order; one entry when its units could not become known. */
  async finishNode(state: NodeState): Promise<UnitOutcome[]> {
    const problem = await this.#open(state);
    if (problem !== undefined) return [problem];
    return Promise.all((demandedUnits(state) ?? []).map((unit) => this.#finish(unit)));
  }

  #open(state: NodeState): Promise<UnitOutcome | undefined> {
    return once(this.#opened, state, () => this.#openNode(state));
  }

  /** Makes the node's units known, which may need results; an outcome when that failed. */
  async #openNode(state: NodeState): Promise<UnitOutcome | undefined> {
    if (state.units !== undefined) return undefined;
    const outcomes = await Promise.all(state.inputs.map(({ from }) => this.finishNode(from)));
    const bad = outcomes.findIndex((units) => !units.every(succeeded));
    const whole = [...unitStates(state, undefined).values()][0] as UnitState;
    if (bad >= 0) return this.#block(whole, state.inputs[bad]?.from.node.id as string);
    try {
      await this.#context.survey.settle(state);
    } catch (error) {
      return this.#fail(whole, error);
    }
    if (state.units === undefined) throw new Error(`the units of '${state.node.id}' are unknown after its inputs ran`);
    this.#context.emit({ type: 'planned', counts: countUnits(this.#context.survey.nodes) });
    return undefined;
  }

  #finish(unit: UnitState): Promise<UnitOutcome> {
    return once(this.#finished, unit, () => this.#work(unit));
  }

  async #work(unit: UnitState): Promise<UnitOutcome> {
    const early = await this.#prepare(unit);
    if (early !== undefined) return early;
    if (unit.owner.definition.grouped === true) await this.#submitGroup(unit.owner);
    else this.#submit([unit]);
    const known = this.#byKey.get(unit.key as string);
    if (known === undefined) throw new Error(`unit '${unit.unit.name}' was never submitted`);
    return known.unit === unit ? known.outcome : this.#adopt(unit, known);
  }

  #prepare(unit: UnitState): Promise<UnitOutcome | undefined> {
    return once(this.#prepared, unit, async () => {
      try {
        return await this.#prepareUnit(unit);
      } catch (error) {
        return this.#fail(unit, error);
      }
    });
  }

  /** The outcome, if no attempt is needed; otherwise the unit's key is known afterwards. */
  async #prepareUnit(unit: UnitState): Promise<UnitOutcome | undefined> {
    if (unit.status === 'hit') return this.#admit(unit) ?? this.#succeed(unit, 'cached');
    const blocker = await this.#awaitInputs(unit);
    if (blocker !== undefined) return this.#block(unit, blocker);
    const { survey, failed } = this.#context;
    await survey.expect(unit.owner);
    survey.updateFacts(unit.owner); // what the attempt is going to take may follow from them
    const surveyed = unit.status === 'run' ? unit.key : undefined;
    const key = await survey.computeKey(unit);
    if (key === undefined) throw new Error(`the key of '${unit.owner.node.id}' is unknown after its inputs ran`);
    const earlier = failed.get(key);
    if (earlier !== undefined) return { ...earlier, unit: unit.unit.name };
    const refused = this.#admit(unit);
    if (refused !== undefined) return refused;
    unit.status = 'run';
    if (key === surveyed) return undefined;
    unit.record = unit.owner.node.force ? undefined : await survey.find(unit);
    if (unit.record === undefined) return undefined;
    unit.status = 'hit';
    return this.#succeed(unit, 'cached');
  }

  /** The outcome of a unit that may not be answered or made. */
  #admit(unit: UnitState): UnitOutcome | undefined {
    const why = this.#context.refuses?.(unit);
    return why === undefined ? undefined : this.#fail(unit, new UserError(why));
  }

  /** The id of an input's node that did not succeed, if any. */
  async #awaitInputs(unit: UnitState): Promise<string | undefined> {
    const blockers = await Promise.all(
      unit.owner.inputs.map(async (input) => {
        if ((await this.#open(input.from)) !== undefined) return input.from.node.id;
        const outcomes = await Promise.all((unitsRead(unit, input) ?? []).map((each) => this.#finish(each)));
        return outcomes.every(succeeded) ? undefined : input.from.node.id;
      }),
    );
    return blockers.find((blocker) => blocker !== undefined);
  }

  /** One attempt for all units of the node that need one, when all have been prepared. */
  #submitGroup(state: NodeState): Promise<void> {
    return once(this.#groups, state, async () => {
      const units = demandedUnits(state) ?? [];
      const early = await Promise.all(units.map((unit) => this.#prepare(unit)));
      this.#submit(units.filter((_, i) => early[i] === undefined));
    });
  }

  #submit(units: readonly UnitState[]): void {
    const fresh = units.filter((unit) => {
      const key = unit.key as string;
      if (this.#byKey.has(key)) return false;
      const outcome = new Promise<UnitOutcome>((settle) => this.#settlers.set(unit, settle));
      this.#byKey.set(key, { unit, outcome });
      return true;
    });
    if (fresh.length > 0) this.#attempt(fresh, new Map());
  }

  #attempt(units: readonly UnitState[], held: ReadonlyMap<UnitState, Lease>): void {
    this.#background(this.#runAttempt(units, held));
  }

  /** Nobody waits for these promises; what they reject with is a bug and rejects `broken`. */
  #background(work: Promise<void>): void {
    const ended: Promise<void> = work
      .catch((error: unknown) => this.#break(error))
      .finally(() => this.#under.delete(ended));
    this.#under.add(ended);
  }

  /** Resolves when nothing is under way any more: an attempt gives its folders and leases back after its units are settled. */
  async quiet(): Promise<void> {
    while (this.#under.size > 0) await Promise.all(this.#under);
  }

  async #runAttempt(units: readonly UnitState[], held: ReadonlyMap<UnitState, Lease>): Promise<void> {
    const first = units[0] as UnitState;
    const room = await this.#context.executor.room(needOf(units), [first.owner.index, first.index]);
    let left: Undecided = { held: [], taken: [], again: [] };
    try {
      if (this.#isStopped()) {
        for (const lease of held.values()) lease.release();
        for (const unit of units) this.#settle(unit, this.#stop(unit));
      } else {
        left = await tryUnits(units, held, room, this.#attemptContext());
      }
    } finally {
      room.leave();
    }
    if (left.again.length > 0) this.#attempt(left.again, new Map());
    const elsewhere = [...left.held, ...left.taken.filter((unit) => !this.#isLost(unit))];
    for (const unit of elsewhere) this.#background(this.#awaitOther(unit));
  }

  #attemptContext(): AttemptContext {
    const goAgain = () => {
      this.#isStale = true;
    };
    const settle: AttemptContext['settle'] = (unit, outcome) => this.#settle(unit, outcome);
    const triesAgain: AttemptContext['triesAgain'] = (...failed) => this.#triesAgain(...failed);
    return { ...this.#context, goAgain, settle, triesAgain, stoppedBy: () => this.#stoppedBy };
  }

  /** True, and it is said, when another attempt is made at all of these units. */
  #triesAgain(...[units, trouble, log]: Parameters<AttemptContext['triesAgain']>): boolean {
    const { retries, emit } = this.#context;
    const retry = 1 + Math.max(...units.map((unit) => this.#retries.get(unit) ?? 0));
    if (retry > retries || this.#isStopped() || !mayPass(trouble)) return false;
    for (const unit of units) {
      this.#retries.set(unit, retry);
      emit({ type: 'unit-put-off', ...nameOf(unit) });
    }
    const { message } = failureOf(units, trouble, log);
    emit({ type: 'retried', retry, retries, message, ...nameOf(units[0] as UnitState) });
    return true;
  }

  /** Waits until another runner has published the unit, or has given up on it. */
  async #awaitOther(unit: UnitState): Promise<void> {
    const { store, survey, emit } = this.#context;
    emit({ type: 'waiting', ...nameOf(unit) });
    for (let pause_ms = firstPoll_ms; !this.#isStopped(); pause_ms = Math.min(1.5 * pause_ms, slowestPoll_ms)) {
      await sleep(pause_ms);
      try {
        const record = unit.owner.node.force ? undefined : await survey.findWhole(unit);
        if (record !== undefined) {
          if (unit.record !== undefined && !sameOutputs(unit.record, record)) this.#isStale = true;
          unit.record = record;
          this.#settle(unit, successOf(unit, 'reused', store));
          return;
        }
        const lease = await store.lease(unit.key as string);
        if (lease === undefined) continue;
        this.#attempt([unit], new Map([[unit, lease]]));
        return;
      } catch (error) {
        this.#fail(unit, error);
        return;
      }
    }
    this.#settle(unit, this.#stop(unit));
  }

  /** True, and the unit has failed, when others took it away too often to be anything but a fault. */
  #isLost(unit: UnitState): boolean {
    const losses = (this.#losses.get(unit) ?? 0) + 1;
    this.#losses.set(unit, losses);
    if (losses <= mostLosses) return false;
    const { folder } = this.#context.store;
    const what = `what it had in '${folder}' was taken away ${losses} times while it ran`;
    this.#fail(unit, new UserError(`${what}; let only lamina change what lies there`));
    return true;
  }

  #settle(unit: UnitState, outcome: UnitOutcome): void {
    if (outcome.status === 'failed' && this.#endsAll(outcome)) this.#stoppedBy ??= unit.owner.node.id;
    if (succeeded(outcome)) {
      this.#context.survey.updateFacts(unit.owner);
      const { status, key, duration_ms } = outcome;
      this.#context.emit({ type: 'unit-finished', status, key, duration_ms, ...nameOf(unit) });
    }
    this.#settlers.get(unit)?.(outcome);
    this.#settlers.delete(unit);
  }

  /** The result of another node's unit with the same key. */
  async #adopt(unit: UnitState, shared: { unit: UnitState; outcome: Promise<UnitOutcome> }): Promise<UnitOutcome> {
    const outcome = await shared.outcome;
    unit.record = shared.unit.record;
    if (succeeded(outcome)) return this.#succeed(unit, 'cached');
    return { ...outcome, unit: unit.unit.name };
  }

  #succeed(unit: UnitState, status: 'cached'): UnitOutcome {
    const outcome = successOf(unit, status, this.#context.store);
    this.#settle(unit, outcome);
    return outcome;
  }

  #fail(unit: UnitState, error: unknown): UnitOutcome {
    const [outcome] = failedOf([unit], troubleFrom(error));
    if (outcome === undefined) throw new Error('a unit has no outcome');
    this.#context.emit({ type: 'failed', failure: outcome.failure });
    this.#settle(unit, outcome);
    return outcome;
  }

  /** Without a store, the shared one where that is required, or room, nothing that is left can go better. */
  #endsAll({ failure }: FailedUnit): boolean {
    return !this.#context.keepGoing || ['store-gone', 'remote-failed', 'no-space'].includes(failure.reason);
  }

  #isStopped(): boolean {
    return this.#stoppedBy !== undefined || this.#context.isCancelled();
  }

  #stop(unit: UnitState): UnitOutcome {
    return this.#block(unit, this.#stoppedBy ?? '');
  }

  #block(unit: UnitState, by: string): UnitOutcome {
    if (this.#context.isCancelled()) return cancelledOf(unit);
    this.#context.emit({ type: 'blocked', by, ...nameOf(unit) });
    return blockedOf(unit, by);
  }
}

/** What an attempt at units of one node takes. A timing takes all threads there are, so that nothing runs beside it. */
export function needOf(units: readonly UnitState[]): Need {
  const { node, definition } = (units[0] as UnitState).owner;
  const kind = definition.numeric ? canonicalJson({ ...node.numerics }) : undefined;
  const resources = node.resources ?? {};
  const threads = resources.cpus ?? (definition.numeric ? node.numerics.threads : 1);
  const memory_bytes = resources.memory_bytes ?? memoryOf(units);
  const alone = definition.timing ? Number.POSITIVE_INFINITY : threads;
  return { stage: node.stage, threads: alone, memory_bytes, kind, resources };
}

function once<K, V>(made: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  let promise = made.get(key);
  if (promise === undefined) {
    promise = make();
    promise.catch(() => {}); // whoever waits for it sees the rejection; nobody may be waiting yet
    made.set(key, promise);
  }
  return promise;
}
