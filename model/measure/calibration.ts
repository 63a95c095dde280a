// Calibration windows: short runs of tokens of one length, drawn from a data set as LLM-Pruner draws them.
import { createRandom, shuffle } from '../../util/random.ts';

/** How many windows, and how long. */
export interface WindowSettings {
  readonly samples: number;
  /** Tokens of a window. */
  readonly sample_tokens: number;
  readonly seed: number;
}

/**
 * `samples` windows of `sample_tokens` tokens. Records are taken in a random order without repetition; one that is long
 * enough gives a random window, shorter ones are passed over. Only when the records run out are the short ones joined end to
 * end, in that order, to fill what is missing. `encode` gives the tokens of record `index` (from 0) or null; it is called for
 * no more records than are needed. Fewer windows come back when even that does not suffice.
 */
export async function drawWindows(
  records: number,
  encode: (index: number) => Promise<Int32Array | null> | Int32Array | null,
  { samples, sample_tokens, seed }: WindowSettings,
): Promise<{ windows: Int32Array[]; joined: number }> {
  const random = createRandom('calibration', seed);
  const order = shuffle(
    Array.from({ length: records }, (_, i) => i),
    random,
  );
  const windows: Int32Array[] = [];
  const short: Int32Array[] = [];
  for (const index of order) {
    if (windows.length === samples) return { windows, joined: 0 };
    const ids = await encode(index);
    if (ids === null) continue;
    if (ids.length < sample_tokens) {
      short.push(ids);
      continue;
    }
    const start = random.below(ids.length - sample_tokens + 1);
    windows.push(ids.slice(start, start + sample_tokens));
  }
  const joined = joinWindows(short, sample_tokens).slice(0, samples - windows.length);
  return { windows: [...windows, ...joined], joined: joined.length };
}

/** As many whole windows as the parts give, end to end. */
function joinWindows(parts: readonly Int32Array[], length: number): Int32Array[] {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const stream = new Int32Array(total);
  let at = 0;
  for (const part of parts) {
    stream.set(part, at);
    at += part.length;
  }
  return Array.from({ length: Math.floor(total / length) }, (_, i) => stream.slice(i * length, (i + 1) * length));
}
