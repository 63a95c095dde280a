// One attempt: leases, a worker, a job, and the publication of every unit as soon as it is finished.
import { hostname } from 'node:os';
import type { StageInput } from '../spec/stage.ts';
import type { RecordAbout } from '../store/record.ts';
import type { Attempt, Draft, Lease, Store } from '../store/store.ts';
import { hasCode } from '../util/errors.ts';
import { canonicalJson, type Json } from '../util/json.ts';
import { describeUnit, type RunEvent } from './events.ts';
import { failureOf, type Trouble, troubleFrom, troubleOf } from './failure.ts';
import { type NodeInput, nameOf, type UnitState, unitsRead } from './graph.ts';
import type { Artifact, UnitOutcome, UnitSuccess } from './outcome.ts';
import type { FromWorker, Job, TaskDone } from './protocol.ts';
import type { Survey } from './survey.ts';
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

/**
 * Runs `units` (of one node, keys known) in one job. Units that another runner holds are returned, undecided; all
 * others are settled. `held` are leases that the caller has already.
 */
export async function tryUnits(
  units: readonly UnitState[],
  held: ReadonlyMap<UnitState, Lease>,
  context: AttemptContext,
): Promise<UnitState[]> {
  const leases = new Map(held);
  const decided = new Set<UnitState>();
  const settle: AttemptContext['settle'] = (unit, outcome) => {
    decided.add(unit);
    context.settle(unit, outcome);
  };
  const watched = { ...context, settle };
  let elsewhere: UnitState[] = [];
  try {
    elsewhere = await takeLeases(units, leases, watched);
    const mine = units.filter((unit) => leases.has(unit));
    if (mine.length > 0) await new AttemptRun(mine, leases, watched).run();
  } catch (error) {
    const trouble = troubleFrom(error);
    const open = units.filter((unit) => !decided.has(unit) && !elsewhere.includes(unit));
    if (open.length > 0) fail(open, trouble, watched);
  } finally {
    for (const lease of leases.values()) lease.release();
  }
  return elsewhere;
}

/** Units whose lease somebody else has. A lease is of no use any more where the result is there by now. */
async function takeLeases(
  units: readonly UnitState[],
  leases: Map<UnitState, Lease>,
  context: AttemptContext,
): Promise<UnitState[]> {
  const elsewhere: UnitState[] = [];
  for (const unit of units) {
    const lease = leases.get(unit) ?? (await context.store.lease(unit.key as string));
    if (lease === undefined) {
      elsewhere.push(unit);
      continue;
    }
    leases.set(unit, lease);
    const record = unit.owner.node.force ? undefined : await context.survey.find(unit);
    if (record === undefined) continue;
    unit.record = record;
    context.settle(unit, successOf(unit, 'reused', context.store));
    lease.release();
    leases.delete(unit);
  }
  return elsewhere;
}

class AttemptRun {
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
    if (message.type === 'progress') {
      const unit = message.report.unit ?? (this.#units.length === 1 ? this.#first.unit.name : '');
      this.#context.emit({ type: 'progress', ...nameOf(this.#first), unit, report: message.report });
    }
    if (message.type === 'task-done') this.#publishing = this.#publishing.then(() => this.#publishDone(message));
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
    if (publication.status === 'different') emit(nondeterminism(unit));
    this.#open.delete(unit);
    const status = publication.status === 'reused' ? 'reused' : 'ran';
    this.#context.settle(unit, successOf(unit, status, store));
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
    for (const [name, { extension }] of Object.entries(definition.outputs)) {
      const ref = message.outputs[name];
      if (ref === undefined) throw new Error(`the worker did not report output '${name}' of '${definition.name}'`);
      outputs[name] = { ...ref, extension, path: attempt.output(key, name, extension) };
    }
    const preimage = unit.preimage as Draft['preimage'];
    const about = this.#about(unit, message);
    return { key, preimage, outputs, facts: message.facts, about, replace: unit.owner.node.force };
  }

  #about(unit: UnitState, { peak_rss_bytes }: TaskDone): RecordAbout {
    const now_ms = performance.now();
    const duration_ms = Math.round(now_ms - this.#lap_ms);
    this.#lap_ms = now_ms; // in a group, a unit's time is the time since the one before
    const { experiment, versions } = this.#context;
    const started = this.#started.toISOString();
    return { experiment, ...nameOf(unit), started, duration_ms, peak_rss_bytes, host: hostname(), versions };
  }

  #conclude(trouble: Trouble | undefined): void {
    if (this.#open.size === 0) return;
    const lost: Trouble = { reason: 'output-missing', message: 'its worker finished without reporting its outputs' };
    if (this.#context.isCancelled()) this.#cancel();
    else this.#fail([...this.#open], trouble ?? lost);
  }

  #cancel(): void {
    for (const unit of this.#open) {
      this.#context.settle(unit, { status: 'cancelled', unit: unit.unit.name, key: unit.key ?? null });
    }
    this.#open.clear();
  }

  #fail(units: readonly UnitState[], trouble: Trouble): void {
    this.#keep = 'log';
    for (const unit of units) this.#open.delete(unit);
    fail(units, trouble, this.#context, this.#attempt?.log);
  }
}

function fail(units: readonly UnitState[], trouble: Trouble, context: AttemptContext, log?: string): void {
  const failure = failureOf(units, trouble, log);
  context.emit({ type: 'failed', failure });
  for (const unit of units) {
    context.settle(unit, { status: 'failed', unit: unit.unit.name, key: unit.key ?? null, failure });
  }
}

/** The outcome of a unit that has its record. */
export function successOf(unit: UnitState, status: UnitSuccess['status'], store: Store): UnitSuccess {
  const record = unit.record;
  if (record === undefined) throw new Error(`unit '${unit.unit.name}' of '${unit.owner.node.id}' has no record`);
  const outputs: Record<string, Artifact> = {};
  for (const [name, { digest, size }] of Object.entries(record.outputs)) {
    outputs[name] = { digest, size, path: store.pathOf({ digest, size }) };
  }
  const { key, facts, about } = record;
  return { status, unit: unit.unit.name, key, outputs, facts, duration_ms: about.duration_ms };
}

function jobOf(units: readonly UnitState[], attempt: Attempt, store: Store): Job {
  const { owner } = units[0] as UnitState;
  const { node, definition } = owner;
  const tasks = units.map((unit) => {
    const key = unit.key as string;
    const outputs = Object.entries(definition.outputs).map(([name, port]) => {
      return [name, attempt.output(key, name, port.extension)] as const;
    });
    const scratch = attempt.scratch(key);
    return { unit: unit.unit.name, params: unit.unit.params, outputs: Object.fromEntries(outputs), scratch };
  });
  const inputs = owner.inputs.map((input) => [input.name, stageInput(units, input, store)] as const);
  const { params, seed, numerics } = node;
  return {
    type: 'job',
    id: attempt.id,
    use: node.use,
    params,
    seed,
    numerics,
    inputs: Object.fromEntries(inputs),
    tasks,
  };
}

/** The files of an input that any of the units reads, with the facts of all of them. */
function stageInput(units: readonly UnitState[], input: NodeInput, store: Store): StageInput {
  const read = new Set(units.flatMap((unit) => unitsRead(unit, input) ?? []));
  const files: Record<string, string> = {};
  let facts = { ...input.from.facts };
  for (const each of read) {
    const artifact = each.record?.outputs[input.output];
    if (artifact === undefined) throw new Error(`'${input.from.node.id}' has no output '${input.output}'`);
    files[each.unit.name] = store.pathOf(artifact);
    facts = { ...facts, ...each.record?.facts };
  }
  return { files, facts };
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
