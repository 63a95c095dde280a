// Perplexity against transformers' loss, its two means, its scopes, and its standard error.
import { beforeAll, describe, expect, it } from 'vitest';
import { createModel } from '../../model/forward/model.ts';
import { evaluatePerplexity, summarise } from '../../model/measure/evaluate.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixture, loadFixture } from './fixtures.ts';

const settings = { batch_size: 2, max_length: 64, reduction: 'token_mean', scope: 'response' } as const;
const { ids, labels, loss } = fixture<{ ids: number[][]; labels: number[][]; loss: number }>('gqa.json');
const examples = ids.map((row, i) => ({ ids: Int32Array.from(row), labels: Int32Array.from(labels[i] as number[]) }));

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('perplexity', () => {
  it('is exp of the loss of transformers, however the examples are batched', async () => {
    const { weights } = await loadFixture('gqa');
    const model = createModel(weights);
    const found = await evaluatePerplexity(model, examples, settings);
    expect(found.mean_nll).toBeCloseTo(loss, 4);
    expect(found.perplexity).toBeCloseTo(Math.exp(found.mean_nll), 10);
    expect([found.tokens, found.examples]).toEqual([7 + 6, 2]);
    const singly = await evaluatePerplexity(model, examples, { ...settings, batch_size: 1 });
    expect(singly.mean_nll).toBeCloseTo(found.mean_nll, 5);
    model.disposeFrames();
  });

  it('scope full scores every token but the first', async () => {
    const { weights } = await loadFixture('gqa');
    const model = createModel(weights);
    const found = await evaluatePerplexity(model, examples, { ...settings, scope: 'full' });
    expect(found.tokens).toBe(2 * 11);
    model.disposeFrames();
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
