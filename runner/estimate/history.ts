// What units of each stage took before, as a first estimate of what they will take.
import type { Store } from '../../store/store.ts';

export interface StageHistory {
  /** Records that the figures rest on. */
  n: number;
  /** Medians of the time, and of the bytes of all outputs together. */
  duration_ms: number;
  output_bytes: number;
  /** The largest memory of a worker process seen. */
  peak_rss_bytes: number;
}

/** The history of every stage definition that has records, by name. */
export async function historyOf(store: Store): Promise<Map<string, StageHistory>> {
  const seen = new Map<string, { durations: number[]; sizes: number[]; peak: number }>();
  for await (const { preimage, about, outputs } of store.records()) {
    const entry = seen.get(preimage.stage) ?? { durations: [], sizes: [], peak: 0 };
    seen.set(preimage.stage, entry);
    entry.durations.push(about.duration_ms);
    entry.sizes.push(Object.values(outputs).reduce((sum, { size }) => sum + size, 0));
    entry.peak = Math.max(entry.peak, about.peak_rss_bytes);
  }
  const history = new Map<string, StageHistory>();
  for (const [stage, { durations, sizes, peak }] of seen) {
    const figures = { duration_ms: median(durations), output_bytes: median(sizes), peak_rss_bytes: peak };
    history.set(stage, { n: durations.length, ...figures });
  }
  return history;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? 0;
}
