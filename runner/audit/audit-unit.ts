// Makes a cached unit once more beside the store, and compares what comes out with what the store has of it.
import type { JsonObject } from '../../contract/stage.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import type { Observed, StoreRecord } from '../../store/record.ts';
import type { Attempt, Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { orderOf } from '../attempt/order.ts';
import type { UnitDone } from '../attempt/protocol.ts';
import type { Executor } from '../executor/executor.ts';
import { needOf } from '../run/dataflow.ts';
import { troubleOf } from '../run/failure.ts';
import type { UnitName } from '../survey/events.ts';
import { nameOf, type UnitState } from '../survey/graph.ts';
import { compareMetrics, type MetricDrift } from './compare-metrics.ts';

/** A unit that was made again. `failed`: it could not be, and `message` says why. */
export interface Audited extends UnitName {
  experiment: string;
  key: string;
  status: 'same' | 'drift' | 'failed';
  message: string | null;
  /** Outputs with other bytes. */
  outputs: readonly string[];
  /** Numbers of these that are not the same. */
  metrics: readonly MetricDrift[];
  /** What the record was made with, and what it was made again with. */
  before: Observed;
  after: Observed | null;
}

/** What audits work with: the store is read, and everything is written into `scratch`. */
export interface AuditContext {
  store: Store;
  scratch: Store;
  /** Opens its inputs from `store`. */
  executor: Executor;
  experiment: string;
  versions: Readonly<Record<string, string>>;
}

/** Carries out one unit whose record is in the store, with all that it reads. */
export async function auditUnit(unit: UnitState, context: AuditContext): Promise<Audited> {
  const { executor, scratch, experiment, versions } = context;
  const record = unit.record as StoreRecord;
  const room = await executor.room(needOf([unit]), [unit.owner.index, unit.index]);
  const lease = await scratch.lease(record.key);
  const order = orderOf([unit], { experiment, versions });
  const attempt = await scratch.openAttempt([record.key], order as unknown as JsonObject);
  try {
    if (attempt === undefined || lease === undefined)
      throw new UserError(`'${scratch.folder}' is used by somebody else: choose another folder`);
    let done: UnitDone | undefined;
    const end = await room.give(attempt, order, (event) => {
      if (event.type === 'unit-done') done = event;
      if (event.type === 'started') attempt.carriedBy(event.carrier);
    });
    const { machine = {} } = record.about;
    const about = {
      experiment,
      ...nameOf(unit),
      key: record.key,
      before: { versions: record.about.versions, machine },
    };
    if (done === undefined) {
      const message = troubleOf(end, scratch.folder)?.message ?? 'it ended without reporting its outputs';
      return { ...about, status: 'failed', message, outputs: [], metrics: [], after: null };
    }
    const after = { ...done.observed, versions: { ...done.observed.versions, ...versions } };
    return { ...about, ...(await compare(record, done, attempt, context.store)), message: null, after };
  } finally {
    if (attempt !== undefined) await scratch.closeAttempt(attempt);
    lease?.release();
    room.leave();
  }
}

async function compare(
  record: StoreRecord,
  done: UnitDone,
  attempt: Attempt,
  store: Store,
): Promise<Pick<Audited, 'status' | 'outputs' | 'metrics'>> {
  const names = [...new Set([...Object.keys(record.outputs), ...Object.keys(done.outputs)])].sort();
  const outputs = names.filter((name) => record.outputs[name]?.digest !== done.outputs[name]?.digest);
  const metrics: MetricDrift[] = [];
  for (const name of outputs) {
    const [before, after] = [record.outputs[name], done.outputs[name]];
    if (before?.extension !== 'json' || after === undefined) continue;
    if ((await store.check(before, 'use')) !== undefined) continue; // its numbers are gone, its digest is not
    const old = readJsonArtifact(await store.open(before), before, `output '${name}'`);
    const now = readJsonArtifact(
      { path: attempt.output(record.key, name, before.extension) },
      after,
      `output '${name}'`,
    );
    metrics.push(...compareMetrics(old, now));
  }
  return { status: outputs.length === 0 ? 'same' : 'drift', outputs, metrics };
}
