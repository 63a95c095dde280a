// The work of an attempt whose leases are held: a worker, a job, and the publication of every unit when it is finished.
import { hostname } from 'node:os';
import type { Progress } from '../spec/stage.ts';
import type { RecordAbout } from '../store/record.ts';
import type { Attempt, Draft, Lease, Store } from '../store/store.ts';
import { hasCode } from '../util/errors.ts';
import { canonicalJson, type Json } from '../util/json.ts';
import { describeUnit, type RunEvent } from './events.ts';
import { type Trouble, troubleFrom, troubleOf } from './failure.ts';
import { nameOf, type UnitState } from './graph.ts';
import { jobOf } from './job.ts';
import type { UnitOutcome } from './outcome.ts';
import type { FromWorker, TaskDone } from './protocol.ts';
import type { Survey } from './survey.ts';
import { cancelledOf, failedOf, successOf } from './unit-outcome.ts';
import type { WorkerPool } from './worker-pool.ts';

/** What an attempt works with. */
export interface AttemptContext {
  store: Store;
  survey: Survey;
  pool: WorkerPool;
  emit: (event: RunEvent) => void;
  /** True once the user stopped the run: what ends then was cancelled, whatever it says. */
  isCancelled: () => boolean;
  experiment: string;
  versions: Readonly<Record<string, string>>;
  /** Called once for every unit that the attempt decided. */
  settle: (unit: UnitState, outcome: UnitOutcome) => void;
}

/** One job for `units`, all of one node, whose keys are known and whose leases are held. */
export class AttemptRun {
  readonly #context: AttemptContext;
  readonly #units: readonly UnitState[];
  readonly #open: Set<UnitState>;
  readonly #leases: ReadonlyMap<UnitState, Lease>;
  readonly #started = new Date();
  #publishing: Promise<void> = Promise.resolve();
  #attempt: Attempt | undefined;
  #lap_ms = performance.now();
  #keep: 'nothing' | 'log' = 'nothing';

  constructor(units: readonly UnitState[], leases: ReadonlyMap<UnitState, Lease>, context: AttemptContext) {
    this.#units = units;
    this.#open = new Set(units);
    this.#leases = leases;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { store, pool } = this.#context;
    const { node, definition } = this.#first.owner;
    const worker = pool.take(definition.numeric ? canonicalJson({ ...node.numerics }) : undefined);
    try {
      const keys = this.#units.map((unit) => unit.key as string);
      this.#attempt = await store.openAttempt(keys, worker.pid);
      const job = jobOf(this.#units, this.#attempt, store);
      for (const unit of this.#units) this.#context.emit({ type: 'unit-started', pid: worker.pid, ...nameOf(unit) });
      // The last look before the job is sent: from then on, a stop reaches the worker.
      if (this.#context.isCancelled()) {
        this.#cancel();
        return;
      }
      const end = await worker.run(job, this.#attempt.log, (message) => this.#receive(message));
      await this.#publishing;
      this.#conclude(troubleOf(end, store.folder));
    } finally {
      pool.give(worker);
      if (this.#attempt !== undefined) store.closeAttempt(this.#attempt, this.#keep);
    }
  }

  get #first(): UnitState {
    return this.#units[0] as UnitState;
  }

  #receive(message: FromWorker): void {
    if (message.type === 'progress') this.#report(message.report);
    if (message.type === 'warning') this.#warn(message.message);
    if (message.type === 'task-done') this.#publishing = this.#publishing.then(() => this.#publishDone(message));
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

  async #publishDone(message: TaskDone): Promise<void> {
    const unit = this.#units.find((each) => each.unit.name === message.unit);
    if (unit === undefined || !this.#open.has(unit)) return;
    try {
      await this.#publish(unit, message);
      this.#leases.get(unit)?.release();
    } catch (error) {
      this.#fail([unit], troubleFrom(error));
    }
  }

  async #publish(unit: UnitState, message: TaskDone): Promise<void> {
    const { store, survey, emit } = this.#context;
    const changed = await changedSource(unit, survey);
    if (changed !== undefined) {
      this.#fail([unit], { reason: 'source-changed', message: changed });
      return;
    }
    const publication = await this.#publishOrReuse(this.#draft(unit, message));
    unit.record = publication.record;
    if (publication.status === 'different' && !unit.owner.definition.timing) emit(nondeterminism(unit));
    this.#open.delete(unit);
    const status = publication.status === 'reused' ? 'reused' : 'ran';
    const success = successOf(unit, status, store);
    // an earlier record of the same bytes stays, and may be of a time when less was said
    const warnings = [...new Set([...success.warnings, ...message.warnings])];
    this.#context.settle(unit, { ...success, warnings });
  }

  /** Another runner that took this one for dead has removed its files: then the result should be there. */
  async #publishOrReuse(draft: Draft) {
    const { store } = this.#context;
    try {
      return await store.publish(draft);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      const found = await store.find(draft.key);
      if (found.status !== 'hit') throw error;
      return { status: 'reused' as const, record: found.record };
    }
  }

  #draft(unit: UnitState, message: TaskDone): Draft {
    const { definition } = unit.owner;
    const attempt = this.#attempt as Attempt;
    const key = unit.key as string;
    const outputs: Record<string, Draft['outputs'][string]> = {};
    for (const [name, { extension, optional }] of Object.entries(definition.outputs)) {
      const ref = message.outputs[name];
      if (ref === undefined && optional) continue;
      if (ref === undefined) throw new Error(`the worker did not report output '${name}' of '${definition.name}'`);
      outputs[name] = { ...ref, extension, path: attempt.output(key, name, extension) };
    }
    const preimage = unit.preimage as Draft['preimage'];
    const about = this.#about(unit, message);
    return { key, preimage, outputs, facts: message.facts, about, replace: unit.owner.node.force };
  }

  #about(unit: UnitState, { peak_rss_bytes, warnings }: TaskDone): RecordAbout {
    const now_ms = performance.now();
    const duration_ms = Math.round(now_ms - this.#lap_ms);
    this.#lap_ms = now_ms; // in a group, a unit's time is the time since the one before
    const { experiment, versions } = this.#context;
    const started = this.#started.toISOString();
    const made = { started, duration_ms, peak_rss_bytes, host: hostname(), versions };
    return { experiment, ...nameOf(unit), ...made, ...(warnings.length > 0 && { warnings }) };
  }

  #conclude(trouble: Trouble | undefined): void {
    if (this.#open.size === 0) return;
    const lost: Trouble = { reason: 'output-missing', message: 'its worker finished without reporting its outputs' };
    if (this.#context.isCancelled()) this.#cancel();
    else this.#fail([...this.#open], trouble ?? lost);
  }

  #cancel(): void {
    for (const unit of this.#open) this.#context.settle(unit, cancelledOf(unit));
    this.#open.clear();
  }

  #fail(units: readonly UnitState[], trouble: Trouble): void {
    this.#keep = 'log';
    for (const unit of units) this.#open.delete(unit);
    fail(units, trouble, this.#context, this.#attempt?.log);
  }
}

/** Reports one failure and settles its units with it. */
export function fail(units: readonly UnitState[], trouble: Trouble, context: AttemptContext, log?: string): void {
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
  if (Object.keys(before).length === 0) return undefined;
  const now = await survey.sources(unit.owner, true);
  const changed = Object.keys(before).find((name) => {
    return canonicalJson({ ...before[name] } as Json) !== canonicalJson({ ...now[name] } as Json);
  });
  return changed && `what parameter '${changed.slice(1)}' names was changed while the stage read it; run again`;
}

function nondeterminism(unit: UnitState): RunEvent {
  const name = nameOf(unit);
  const kept = unit.owner.node.force ? 'the new result is used (--force)' : 'the first one is used';
  const message = `${describeUnit(name)}: the same key gave different bytes than before; ${kept}, both are kept`;
  return { type: 'warning', reason: 'nondeterminism', message, ...name };
}
