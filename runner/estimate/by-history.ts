// How long what is left will take here, by what earlier attempts took for their operations and bytes.
import type { RecordedWork } from '../../store/record.ts';
import type { Device } from './devices.ts';
import { type CostedAttempt, costedAttempts, type Identified, secondsOf } from './estimate.ts';
import { engineName, type History, type PastAttempt } from './history.ts';

/** What an attempt takes before it computes: a process that opens its inputs and loads the engine. Measured as docs/plan.md says. */
export const start_ms = 200;

/** An attempt that is so many times larger or smaller says nothing of another. */
const farthest = 1000;

/** What the rest will take, one attempt after the other. */
export interface Foreseen {
  duration_ms: number;
  written_bytes: number;
  /** Earlier attempts that it rests on. */
  past: number;
}

/** What all that is left takes; undefined where an attempt is like no earlier one, so that arithmetic alone can tell. */
export function foreseenBy(
  history: History,
  work: Identified,
  device: Device,
  record_tokens: number,
): Foreseen | undefined {
  const total = { duration_ms: 0, written_bytes: 0, past: 0 };
  const used = new Set<PastAttempt>();
  for (const attempt of costedAttempts(work, record_tokens)) {
    const past = pastOf(attempt, history);
    const known = timeByPast(past, sizeOf(attempt), device);
    if (known === undefined) return undefined;
    total.duration_ms += known;
    total.written_bytes += attempt.cost?.written_bytes ?? medianOf(past.map((each) => [each.written_bytes, 1]));
    for (const each of past) used.add(each);
  }
  return { ...total, past: used.size };
}

/** Those of the same stage on the same engine. */
function pastOf({ units, definition }: CostedAttempt, history: History): readonly PastAttempt[] {
  const numerics = definition.numeric ? units[0]?.owner.node.numerics : undefined;
  return (history.get(definition.name) ?? []).filter(({ engine }) => engine === engineName(numerics));
}

/** The size of an attempt, by which earlier ones are scaled. */
export interface AttemptSize {
  /** By its stage's cost; undefined where it has none or cannot say. */
  work: RecordedWork | undefined;
  /** Of artifacts; undefined where it is not known what is read. */
  read_bytes: number | undefined;
}

/**
 * The time of an attempt of a size, in ms: each earlier one says its own time beyond `start_ms`, multiplied by how much larger this one is; of
 * these times the weighted median counts, where one of twice or half the size weighs a quarter. Undefined where none is comparable.
 */
export function timeByPast(past: readonly PastAttempt[], size: AttemptSize, device: Device): number | undefined {
  const times: [time: number, weight: number][] = [];
  for (const each of past) {
    const ratio = ratioOf(size, each, device);
    if (ratio === undefined || ratio > farthest || ratio < 1 / farthest) continue;
    const start = Math.min(start_ms, each.duration_ms / 2);
    times.push([start + (each.duration_ms - start) * ratio, Math.min(ratio, 1 / ratio) ** 2]);
  }
  return times.length === 0 ? undefined : medianOf(times);
}

function sizeOf({ cost, read_bytes }: CostedAttempt): AttemptSize {
  const work = cost && { flops: cost.flops, moved_bytes: cost.read_bytes + cost.written_bytes };
  return { work, read_bytes };
}

/** How many times larger: by operations and bytes where both have figures, by what is read where the stage has no cost; undefined for others. */
function ratioOf({ work, read_bytes }: AttemptSize, past: PastAttempt, device: Device): number | undefined {
  if (work === undefined || past.work === undefined) {
    if (work !== past.work) return undefined;
    return read_bytes && past.read_bytes ? read_bytes / past.read_bytes : 1;
  }
  const [own, before] = [secondsOf(work, device), secondsOf(past.work, device)];
  return own === before ? 1 : own / before;
}

/** The value at half of all weights. */
function medianOf(values: readonly (readonly [value: number, weight: number])[]): number {
  const sorted = [...values].sort(([a], [b]) => a - b);
  const half = sorted.reduce((sum, [, weight]) => sum + weight, 0) / 2;
  let sum = 0;
  for (const [value, weight] of sorted) {
    sum += weight;
    if (sum >= half) return value;
  }
  return 0;
}
