// The work of an attempt whose leases are held: an order, whoever carries it out, and the record of every unit when it is finished.
import { existsSync } from 'node:fs';
import { codePointer } from '../../contract/plan.ts';
import type { JsonObject, Progress } from '../../contract/stage.ts';
import { sameOutputs } from '../../store/record.ts';
import type { Attempt, Lease, OpenedAttempt, Publication, Store } from '../../store/store.ts';
import { hasCode, UserError } from '../../util/errors.ts';
import { canonicalJson, type Json } from '../../util/json.ts';
import { AttemptClock, draftOf } from '../attempt/draft.ts';
import { type DamagedInput, JobInputs } from '../attempt/job-inputs.ts';
import { type AttemptOrder, artifactsOf, type OrderUnit, orderOf } from '../attempt/order.ts';
import type { UnitDone } from '../attempt/protocol.ts';
import type { AttemptEnd, ExecutorEvent, Room } from '../executor/executor.ts';
import type { RunEvent } from '../survey/events.ts';
import { nameOf, type UnitState } from '../survey/graph.ts';
import type { Survey } from '../survey/survey.ts';
import { artifactsRead } from './artifacts-read.ts';
import { hopeless, nondeterminism } from './damage-text.ts';
import {
  goneTrouble,
  lateTrouble,
  type TimeLimit,
  type Trouble,
  timeLimit,
  troubleFrom,
  troubleOf,
} from './failure.ts';
import type { UnitOutcome } from './outcome.ts';
import { blockedOf, cancelledOf, failedOf, successOf } from './unit-outcome.ts';

/** What an attempt works with. */
export interface AttemptContext {
  store: Store;
  survey: Survey;
  emit: (event: RunEvent) => void;
  /** True once the user stopped the run: what ends then was cancelled, whatever it says. */
  isCancelled: () => boolean;
  experiment: string;
  versions: Readonly<Record<string, string>>;
  /** Called once for every unit that the attempt decided. */
  settle: (unit: UnitState, outcome: UnitOutcome) => void;
  /** The node whose failure ends everything, once there is one. */
  stoppedBy: () => string | undefined;
  /** How long an attempt may take from when it is begun, and how long it may then take to stop. */
  timeout_ms: number | undefined;
  grace_ms: number;
  /** True when units whose attempt failed are to be tried again; the log is that of the attempt. */
  triesAgain: (units: readonly UnitState[], trouble: Trouble, log: string | undefined) => boolean;
  /** What was looked up is out of date, or something was put off: when all else is done, the plan is gone through again. */
  goAgain: () => void;
}

/** Units of which another runner has the say: it `held` them before they were begun, or has `taken` them since. `again`: they failed, and are to be tried once more. */
export interface Undecided {
  held: readonly UnitState[];
  taken: readonly UnitState[];
  again: readonly UnitState[];
}

/** A timer that is set for longer ends at once. */
const longestTimer_ms = 2 ** 31 - 1;

const decided: Undecided = { held: [], taken: [], again: [] };

/** One order for `units`, all of one node, whose keys are known and whose leases are held. */
export class AttemptRun {
  readonly #context: AttemptContext;
  readonly #units: readonly UnitState[];
  readonly #open: Set<UnitState>;
  readonly #leases: ReadonlyMap<UnitState, Lease>;
  readonly #order: AttemptOrder;
  readonly #clock = new AttemptClock();
  #publishing: Promise<void> = Promise.resolve();
  #attempt: Attempt | undefined;
  #inputs: JobInputs | undefined;
  #room: Room | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isLate = false;

  constructor(units: readonly UnitState[], leases: ReadonlyMap<UnitState, Lease>, context: AttemptContext) {
    this.#units = units;
    this.#open = new Set(units);
    this.#leases = leases;
    this.#context = context;
    this.#order = orderOf(units, context);
  }

  /** Gives the order to whoever has `room`; returns the units that it did not decide. */
  async run(room: Room): Promise<Undecided> {
    const { store } = this.#context;
    const keys = this.#units.map((unit) => unit.key as string);
    try {
      const left = await this.#leftBehind();
      if (left !== undefined) return await this.#attach(left, room);
      this.#attempt = await store.openAttempt(keys, this.#order as unknown as JsonObject);
      if (this.#attempt === undefined) return { ...decided, held: [...this.#open] };
      this.#inputs = new JobInputs(artifactsOf(this.#order), store);
      this.#room = room;
      const end = await room.give(this.#attempt, this.#order, (event) => this.#receive(event));
      await this.#publishing;
      return await this.#conclude(end);
    } finally {
      clearTimeout(this.#timer);
      if (this.#attempt !== undefined) await store.closeAttempt(this.#attempt);
    }
  }

  /** What an earlier run gave to a batch system and did not wait for: of the first unit that has such an attempt. */
  async #leftBehind(): Promise<OpenedAttempt | undefined> {
    for (const unit of this.#units) {
      const found = await this.#context.store.leftBehind(unit.key as string);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Waits for an attempt of an earlier run; units that it does not have are to be tried by themselves. */
  async #attach({ attempt, carrier }: OpenedAttempt, room: Room): Promise<Undecided> {
    const again = this.#units.filter(({ key }) => !attempt.keys.includes(key as string));
    for (const unit of again) this.#open.delete(unit);
    const ended = room.attach?.(attempt, carrier, (event) => this.#receive(event));
    if (ended === undefined) throw new UserError(leftText(attempt, carrier));
    this.#attempt = attempt;
    attempt.carriedBy(carrier); // from now on it is this runner's
    this.#inputs = new JobInputs(artifactsOf(this.#order), this.#context.store);
    this.#room = room;
    const undecided = await this.#conclude(await ended);
    return { ...undecided, again: [...undecided.again, ...again] };
  }

  get #first(): UnitState {
    return this.#units[0] as UnitState;
  }

  #receive(message: ExecutorEvent): void {
    if (message.type === 'started') this.#begin(message);
    if (message.type === 'put-back') this.#putBack();
    if (message.type === 'progress') this.#report(message.report);
    if (message.type === 'warning') this.#warn(message.message);
    if (message.type === 'inputs-read') this.#inputs?.note(message.read);
    if (message.type === 'unit-done') this.#publishing = this.#publishing.then(() => this.#publishDone(message));
  }

  #begin({ where, carrier }: Extract<ExecutorEvent, { type: 'started' }>): void {
    this.#attempt?.carriedBy(carrier);
    const { grace_ms } = this.#context;
    const limit = this.#timeLimit;
    clearTimeout(this.#timer);
    if (limit !== undefined)
      this.#timer = setTimeout(() => this.#endLate(grace_ms), Math.min(limit.limit_ms, longestTimer_ms));
    for (const unit of this.#units) this.#context.emit({ type: 'unit-started', where, ...nameOf(unit) });
  }

  #putBack(): void {
    clearTimeout(this.#timer);
    for (const unit of this.#open) this.#context.emit({ type: 'unit-put-off', ...nameOf(unit) });
  }

  #endLate(grace_ms: number): void {
    this.#isLate = true;
    this.#room?.end(grace_ms);
  }

  /** A report that names no unit is about all that the attempt has not finished yet. */
  #report(report: Progress): void {
    for (const unit of this.#open) {
      const about = nameOf(unit);
      if ((report.unit ?? about.unit) === about.unit) this.#context.emit({ type: 'progress', ...about, report });
    }
  }

  #warn(message: string): void {
    this.#context.emit({ type: 'warned', whole: false, warnings: [{ node: this.#first.owner.node.id, message }] });
  }

  async #publishDone(message: UnitDone): Promise<void> {
    const unit = this.#units.find((each) => each.unit.name === message.unit);
    if (unit === undefined || !this.#open.has(unit)) return;
    try {
      await this.#publish(unit, message);
      this.#leases.get(unit)?.release();
    } catch (error) {
      // Its files were taken away by a runner that took this one for dead: what becomes of the unit is seen at the end.
      if (!hasCode(error, 'ENOENT')) this.#fail([unit], troubleFrom(error));
    }
  }

  async #publish(unit: UnitState, message: UnitDone): Promise<void> {
    const { store, survey, emit } = this.#context;
    const changed = await changedSource(unit, survey);
    if (changed !== undefined) {
      this.#fail([unit], { reason: 'source-changed', message: changed });
      return;
    }
    const doubted = (await this.#inputs?.findDoubted()) ?? [];
    if (doubted.length > 0) {
      this.#putOff([unit], doubted);
      return;
    }
    const trusted = this.#inputs?.trustedBy(unit.preimage as OrderUnit['preimage']) ?? [];
    const made = { attempt: this.#attempt as Attempt, clock: this.#clock, trusted };
    const draft = draftOf(this.#order, this.#orderOf(unit), message, made);
    const publication = await store.publish(draft);
    this.#reportFound(unit, publication);
    const earlier = unit.record;
    unit.record = publication.record;
    if (earlier !== undefined && !sameOutputs(earlier, unit.record)) this.#context.goAgain(); // keys were made of the earlier one
    if (publication.status === 'different' && !unit.owner.definition.timing) emit(nondeterminism(unit, draft));
    this.#open.delete(unit);
    const success = successOf(unit, 'ran', store);
    // an earlier record of the same bytes stays, and may be of a time when less was said
    const warnings = [...new Set([...success.warnings, ...message.warnings])];
    this.#context.settle(unit, { ...success, warnings });
  }

  #reportFound(unit: UnitState, { found, record }: Publication): void {
    for (const { artifact, ...damage } of found) {
      const output = Object.entries(record.outputs).find(([, { digest }]) => digest === artifact.digest)?.[0] ?? '';
      this.#context.survey.damages.artifact(unit, output, artifact, damage);
    }
  }

  #orderOf(unit: UnitState): OrderUnit {
    return this.#order.units[this.#units.indexOf(unit)] as OrderUnit;
  }

  /** Decides what is still open, but not of units that somebody else has by now. */
  async #conclude(end: AttemptEnd): Promise<Undecided> {
    if (this.#open.size === 0) return decided;
    const { store, isCancelled, emit } = this.#context;
    if (isCancelled()) {
      this.#cancel();
      return decided;
    }
    const gone = goneTrouble(store.folder);
    if (gone === undefined) await this.#takePublished(end);
    const open = [...this.#open];
    if (open.length === 0) return decided;
    if (gone === undefined && end.type === 'failed' && end.failure.damaged !== undefined) {
      this.#putOff(open, (await this.#inputs?.examine(end.failure.damaged)) ?? []);
      return decided;
    }
    const taken = gone === undefined ? open.filter((unit) => this.#isTaken(unit)) : [];
    for (const unit of taken) emit({ type: 'unit-put-off', ...nameOf(unit) });
    const failed = open.filter((unit) => !taken.includes(unit));
    const lost: Trouble = { reason: 'output-missing', message: 'its worker finished without reporting its outputs' };
    if (failed.length === 0) return { ...decided, taken };
    const trouble = gone ?? this.#lateTrouble() ?? troubleOf(end, store.folder) ?? lost;
    if (this.#context.triesAgain(failed, trouble, this.#attempt?.log)) return { ...decided, taken, again: failed };
    this.#fail(failed, trouble);
    return { ...decided, taken };
  }

  get #timeLimit(): TimeLimit | undefined {
    return timeLimit(this.#context.timeout_ms, this.#first.owner.node.resources?.time_ms);
  }

  #lateTrouble(): Trouble | undefined {
    const limit = this.#timeLimit;
    return this.#isLate && limit !== undefined ? lateTrouble(limit) : undefined;
  }

  /**
   * A unit that has its record by now is done, whatever is said of the end of who carried it out. With --force a record says nothing: it may be
   * the one that was there before, so the end has to be a good one.
   */
  async #takePublished(end: AttemptEnd): Promise<void> {
    if (this.#order.replace && end.type !== 'finished') return;
    for (const unit of [...this.#open].filter((each) => !this.#isTaken(each))) {
      const record = await this.#context.survey.findWhole(unit, true);
      if (record === undefined) continue;
      const earlier = unit.record;
      unit.record = record;
      if (earlier !== undefined && !sameOutputs(earlier, record)) this.#context.goAgain();
      this.#open.delete(unit);
      this.#context.settle(unit, successOf(unit, 'ran', this.#context.store));
    }
  }

  /** True when a runner that took this one for dead has the unit now, or has removed its files. */
  #isTaken(unit: UnitState): boolean {
    return this.#leases.get(unit)?.isHeld() !== true || !existsSync(this.#attempt?.folder ?? '');
  }

  /** What the attempt was to read is not whole; the units have another go when it has been made again. */
  #putOff(units: readonly UnitState[], damaged: readonly DamagedInput[]): void {
    const { survey, emit, settle, goAgain } = this.#context;
    const read = artifactsRead(units, this.#first.owner.inputs);
    let by = '';
    for (const { ref, damage } of damaged) {
      const whose = read.find((each) => each.ref.digest === ref.digest);
      if (whose === undefined) continue;
      by ||= whose.from.owner.node.id;
      const what = damage && survey.damages.artifact(whose.from, whose.output, whose.ref, damage);
      if (!survey.damages.isHopeless(ref)) continue;
      this.#fail(units, hopeless(whose, what));
      return;
    }
    goAgain();
    for (const unit of units) {
      this.#open.delete(unit);
      emit({ type: 'unit-put-off', ...nameOf(unit) });
      settle(unit, blockedOf(unit, by));
    }
  }

  #cancel(): void {
    for (const unit of this.#open) this.#context.settle(unit, cancelledOf(unit));
    this.#open.clear();
  }

  #fail(units: readonly UnitState[], trouble: Trouble): void {
    for (const unit of units) this.#open.delete(unit);
    fail(units, trouble, this.#context, this.#attempt?.log);
  }
}

/** Reports one failure and settles its units with it. */
export function fail(units: readonly UnitState[], trouble: Trouble, context: AttemptContext, log?: string): void {
  const by = context.stoppedBy();
  if (['store-gone', 'remote-failed'].includes(trouble.reason) && by !== undefined) {
    for (const unit of units) context.settle(unit, blockedOf(unit, by)); // it is said once
    return;
  }
  const outcomes = failedOf(units, trouble, log);
  const [first] = outcomes;
  if (first !== undefined) context.emit({ type: 'failed', failure: first.failure });
  units.forEach((unit, i) => {
    context.settle(unit, outcomes[i] as UnitOutcome);
  });
}

/** A sentence when a file that a parameter names is no longer what the key says. */
async function changedSource(unit: UnitState, survey: Survey): Promise<string | undefined> {
  const before = unit.preimage?.sources ?? {};
  const now = await survey.sources(unit.owner, true);
  const changed = Object.keys({ ...before, ...now }).find((name) => {
    return canonicalJson({ ...before[name] } as Json) !== canonicalJson({ ...now[name] } as Json);
  });
  if (changed === codePointer) return 'the code of the stage was changed while it ran; run again';
  return changed && `what parameter '${changed.slice(1)}' names was changed while the stage read it; run again`;
}

/** Said where another executor has the attempt: two at once would write into the same state. */
function leftText({ folder }: Attempt, { executor, submission, task }: JsonObject): string {
  const whose = typeof executor === 'string' ? executor : 'a batch system';
  const job = `task ${task} of submission '${submission}'`;
  return `an earlier run gave it to ${whose} (${job}), where it may still run: go on with --executor ${whose}, or cancel it there and remove '${folder}'`;
}
