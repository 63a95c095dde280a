// Notes the losses that a stage reports, so that a training can be watched, and looked at when it is over.
import type { Progress } from '../../contract/stage.ts';
import { TraceWriter } from '../../store/traces.ts';
import type { JobUnit } from '../attempt/protocol.ts';

/** Takes every report of a job; one that measures no loss is passed over. */
export function tracing(units: readonly Pick<JobUnit, 'unit' | 'trace'>[]): (report: Progress) => void {
  const began_ms = performance.now();
  const writers = new Map(units.map(({ unit, trace }) => [unit, new TraceWriter(trace)]));
  return ({ unit = units[0]?.unit ?? '', done, total, measured }) => {
    const { loss, tokens = null } = measured ?? {};
    if (loss === undefined || !Number.isFinite(loss)) return;
    writers.get(unit)?.add({ step: done, total, time_ms: performance.now() - began_ms, loss, tokens });
  };
}
