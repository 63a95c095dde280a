// The draft of a finished unit: what its worker reported, under the names that its order gives.
import { hostname } from 'node:os';
import type { RecordAbout } from '../../store/record.ts';
import type { Attempt, Draft } from '../../store/store.ts';
import type { AttemptOrder, OrderUnit } from './order.ts';
import type { UnitDone } from './protocol.ts';

/** Tells when an attempt began and how long each of its units took. */
export class AttemptClock {
  readonly #started = new Date();
  #lap_ms = performance.now();

  /** The times of a unit that has just been finished: in a group, its time is the time since the one before. */
  lap(): Pick<RecordAbout, 'started' | 'duration_ms'> & { finished: string } {
    const now_ms = performance.now();
    const duration_ms = Math.round(now_ms - this.#lap_ms);
    this.#lap_ms = now_ms;
    return { started: this.#started.toISOString(), finished: new Date().toISOString(), duration_ms };
  }
}

/** What is published of a unit; `trusted`: digests of inputs that were not read over. */
export function draftOf(
  order: AttemptOrder,
  { key, preimage, unit }: OrderUnit,
  done: UnitDone,
  { attempt, clock, trusted }: { attempt: Attempt; clock: AttemptClock; trusted: readonly string[] },
): Draft {
  const outputs: Record<string, Draft['outputs'][string]> = {};
  for (const [name, { extension, optional }] of Object.entries(order.outputs)) {
    const ref = done.outputs[name];
    if (ref === undefined && optional) continue;
    if (ref === undefined) throw new Error(`the worker did not report output '${name}' of '${order.use}'`);
    outputs[name] = { ...ref, extension, path: attempt.output(key, name, extension) };
  }
  const about = aboutOf(order, unit, done, clock);
  return { key, preimage, outputs, trusted, facts: done.facts, about, replace: order.replace };
}

function aboutOf(order: AttemptOrder, unit: string, done: UnitDone, clock: AttemptClock): RecordAbout {
  const { experiment, node, stage, cell, versions } = order;
  const { peak_rss_bytes, warnings, observed } = done;
  const made_with = { versions: { ...observed.versions, ...versions }, machine: observed.machine };
  const made = { ...clock.lap(), peak_rss_bytes, host: hostname(), ...made_with, ...shareOf(order) };
  return { experiment, node, stage, cell, unit, ...made, ...(warnings.length > 0 && { warnings }) };
}

/** What the attempt was to do, in equal parts for its units. */
function shareOf({ work, units }: AttemptOrder): Pick<RecordAbout, 'work'> {
  if (work === undefined) return {};
  const share = (amount: number) => Math.round(amount / units.length);
  return { work: { flops: share(work.flops), moved_bytes: share(work.moved_bytes) } };
}
