// Windows over running text, against the loop of transformers' guide (test/fixtures/model/make_rolling.py).
import { beforeAll, describe, expect, it } from 'vitest';
import { ignored } from '../../model/forward/batches.ts';
import { rollingPerplexity, rollingWindows } from '../../model/measure/rolling.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixture, storedFixture } from './fixtures.ts';

interface Case {
  text: number;
  context: number;
  stride: number;
  /** As the guide prints it, and with every scored token weighed alike. */
  documented: number;
  exact: number;
  /** Tokens that each window scores. */
  scored: number[];
}
const { texts, cases } = fixture<{ texts: number[][]; cases: Case[] }>('rolling.json');
const idsOf = ({ text }: Case) => Int32Array.from(texts[text] as number[]);
const size = { tokens: 1, words: 1, bytes: 1 };
const numbers = (count: number) => Int32Array.from({ length: count }, (_, i) => i);
/** A window as its tokens, those that are scored in brackets. */
const shown = (settings: Parameters<typeof rollingWindows>[1], count: number) =>
  rollingWindows(numbers(count), settings).map(({ ids, labels }) =>
    [...ids].map((id, t) => (t > 0 && labels[t] !== ignored ? `[${labels[t]}]` : `${id}`)).join(' '),
  );

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('windows', () => {
  it('score a token in the first that holds it, but not the first token of a window', () => {
    const last_window = 'short' as const;
    expect(shown({ context: 4, stride: 4, last_window }, 10)).toEqual(['0 [1] [2] [3]', '4 [5] [6] [7]', '8 [9]']);
    expect(shown({ context: 4, stride: 2, last_window }, 7)).toEqual(['0 [1] [2] [3]', '2 3 [4] [5]', '4 5 [6]']);
    expect(shown({ context: 4, stride: 3, last_window }, 3)).toEqual(['0 [1] [2]']);
  });

  it('that have nothing to score are left out', () => {
    expect(shown({ context: 4, stride: 4, last_window: 'short' }, 5)).toEqual(['0 [1] [2] [3]']);
    expect(shown({ context: 4, stride: 4, last_window: 'short' }, 1)).toEqual([]);
    expect(shown({ context: 4, stride: 4, last_window: 'short' }, 0)).toEqual([]);
  });

  it('end with one that begins earlier, or that is dropped unless it is full', () => {
    expect(shown({ context: 4, stride: 3, last_window: 'full' }, 6)).toEqual(['0 [1] [2] [3]', '2 3 [4] [5]']);
    expect(shown({ context: 4, stride: 4, last_window: 'full' }, 3)).toEqual(['0 [1] [2]']);
    expect(shown({ context: 4, stride: 4, last_window: 'dropped' }, 7)).toEqual(['0 [1] [2] [3]']);
    expect(shown({ context: 4, stride: 4, last_window: 'dropped' }, 8)).toHaveLength(2);
    expect(shown({ context: 4, stride: 4, last_window: 'dropped' }, 3)).toEqual([]);
  });
});

describe('rolling perplexity', () => {
  const packing = { batch_tokens: 128, max_length: 64 };
  const named = cases.map((one) => ({
    ...one,
    name: `${texts[one.text]?.length} tokens, ${one.context} by ${one.stride}`,
  }));

  it.each(named)('of $name equals the losses of transformers', async (one) => {
    const windows = rollingWindows(idsOf(one), { ...one, last_window: 'short' });
    const model = await storedFixture('gqa');
    const found = await rollingPerplexity(model, windows, size, packing);
    expect(found.windows).toBe(one.scored.length);
    expect(found.tokens).toBe(one.scored.reduce((a, b) => a + b));
    expect(Math.abs(found.mean_nll - Math.log(one.exact))).toBeLessThan(1e-5);
  });

  it.each(named.filter(({ scored }) => scored.length < 9))(
    'of $name equals the number of the guide where windows weigh as there, by their labels less one',
    async (one) => {
      const model = await storedFixture('gqa');
      let [nll, weights] = [0, 0];
      for (const window of rollingWindows(idsOf(one), { ...one, last_window: 'short' })) {
        const { mean_nll } = await rollingPerplexity(model, [window], size, packing);
        const weight = window.labels.filter((label) => label !== ignored).length - 1;
        [nll, weights] = [nll + mean_nll * weight, weights + weight];
      }
      expect(Math.abs(nll / weights - Math.log(one.documented))).toBeLessThan(1e-5);
    },
  );

  it('spreads the mean loss over all tokens of the text, words and bytes', async () => {
    const one = cases[0] as Case;
    const windows = rollingWindows(idsOf(one), { ...one, last_window: 'short' });
    const found = await rollingPerplexity(
      await storedFixture('gqa'),
      windows,
      { tokens: 100, words: 50, bytes: 400 },
      packing,
    );
    expect(found.word_perplexity).toBeCloseTo(Math.exp(found.mean_nll) ** 2, 6);
    expect(found.byte_perplexity).toBeCloseTo(Math.exp(found.mean_nll) ** 0.25, 10);
    expect(found.bits_per_byte).toBeCloseTo(Math.log2(found.byte_perplexity), 12);
  });
});
