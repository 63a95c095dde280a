// The states that predict tokens, picked from the states of passages.
import { type Example, ignored } from '../forward/batches.ts';
import type { Pack } from './packs.ts';
import type { Passage } from './passage.ts';

/** A row of the states of some passage. */
export interface RowPlace {
  readonly passage: number;
  readonly row: number;
}

/** A token that is scored: of which text, what it is, and which row predicts it. */
interface ScoredToken extends RowPlace {
  readonly text: number;
  readonly token: number;
}

/** The tokens of `examples` that count, passage by passage, in each text in its order. */
export function scoredTokens(
  examples: readonly Example[],
  packs: readonly Pack[],
  passages: readonly Passage[],
): ScoredToken[] {
  const scored: ScoredToken[] = [];
  packs.forEach((pack, passage) => {
    const tokens = passages[passage]?.extent.tokens as number;
    pack.forEach((text, b) => {
      examples[text]?.labels.forEach((token, t) => {
        if (t > 0 && token !== ignored) scored.push({ text, token, passage, row: b * tokens + t - 1 });
      });
    });
  });
  return scored;
}

/** The rows [R, D] of these places; `states` are let go. */
export function takeRows(scored: readonly RowPlace[], states: Float32Array[], width: number): Float32Array {
  const rows = new Float32Array(scored.length * width);
  scored.forEach(({ passage, row }, r) => {
    const all = states[passage] as Float32Array;
    rows.set(all.subarray(row * width, (row + 1) * width), r * width);
  });
  states.length = 0;
  return rows;
}
