// Perplexity against transformers' loss, its two means, its scopes, and its standard error.
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluatePerplexity, summarise } from '../../model/measure/evaluate.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { architectureCase, caseNames, counted, storedArchitecture } from './architectures.ts';
import { fixture, storedFixture } from './fixtures.ts';

const settings = { batch_tokens: 64, max_length: 64, reduction: 'token_mean', scope: 'response' } as const;
const textsOf = ({ ids, labels }: { ids: number[][]; labels: number[][] }) =>
  ids.map((row, i) => ({ ids: Int32Array.from(row), labels: Int32Array.from(labels[i] as number[]) }));
const { loss, ...texts } = fixture<{ ids: number[][]; labels: number[][]; loss: number }>('gqa.json');
const examples = textsOf(texts);

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('perplexity', () => {
  it('is exp of the loss of transformers, however the examples are batched', async () => {
    const model = await storedFixture('gqa');
    const found = await evaluatePerplexity(model, examples, settings);
    expect(found.mean_nll).toBeCloseTo(loss, 4);
    expect(found.perplexity).toBeCloseTo(Math.exp(found.mean_nll), 10);
    expect([found.tokens, found.examples]).toEqual([7 + 6, 2]);
    for (const bounds of [{ batch_size: 1 }, { batch_tokens: 8 }, { max_length: 12 }]) {
      const singly = await evaluatePerplexity(model, examples, { ...settings, ...bounds });
      expect(singly.mean_nll).toBeCloseTo(found.mean_nll, 5);
    }
  });

  it('scope full scores every token but the first', async () => {
    const found = await evaluatePerplexity(await storedFixture('gqa'), examples, { ...settings, scope: 'full' });
    expect(found.tokens).toBe(2 * 11);
  });

  it('tells the share of the work that is done, up to all of it', async () => {
    const shares: number[] = [];
    await evaluatePerplexity(
      await storedFixture('gqa'),
      examples,
      { ...settings, batch_size: 1 },
      { onProgress: (share) => void shares.push(share) },
    );
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  it('weighs tokens alike, or examples', () => {
    const scores = [
      { nll: 2, tokens: 1 },
      { nll: 3, tokens: 3 },
      { nll: 0, tokens: 0 },
    ];
    expect(summarise(scores, 'token_mean').mean_nll).toBe(5 / 4);
    expect(summarise(scores, 'example_mean').mean_nll).toBe(3 / 2);
    expect(summarise(scores, 'example_mean').examples).toBe(2);
    // two values 2 and 1: standard deviation sqrt(1/2), over sqrt(2)
    expect(summarise(scores, 'example_mean').stderr).toBeCloseTo(0.5, 12);
  });
});

describe('perplexity of every architecture', () => {
  const differences = counted('losses of transformers');

  it.each(caseNames)('%s has the loss of transformers', async (name) => {
    const expected = architectureCase(name);
    const found = await evaluatePerplexity(await storedArchitecture(name), textsOf(expected), settings);
    expect(differences.add(Math.abs(found.mean_nll - expected.loss))).toBeLessThan(1e-5);
  });
});
