// The floor of the engine's tasks, counted by hand for a model that is small enough.
import { expect, it } from 'vitest';
import { sizesFor } from '../../bench/engine/sizes.ts';
import { workOf } from '../../bench/engine/work.ts';
import { parseConfig } from '../../model/architecture/config.ts';

const config = parseConfig(
  {
    model_type: 'llama',
    hidden_size: 4,
    intermediate_size: 6,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    vocab_size: 10,
    max_position_embeddings: 16,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
  },
  'a small config',
);
const inputs = {
  config,
  sizes: { ...sizesFor(4, false), forward: { batch: 1, tokens: 2 }, step: { batch: 1, tokens: 2 } },
  pairs: [{ reference: 1, target: 2 }],
  rank: 1,
  evaluated: { lengths: [2, 2], scored: 3 },
  trained: { lengths: [2], scored: 1 },
};

// a layer of 2 tokens: q and o 2*2*4*4 each, k and v 2*2*4*2 each, gate, up and down 2*2*4*6 each
const products = 2 * 64 + 2 * 32 + 3 * 96;
// two heads, two products of 2 x 2 x 2, half of each
const scores = 2 * 2 * (2 * 2 * 2 * 2) * 0.5;

it('a forward pass has the products of its layers and logits for the tokens that are scored', () => {
  expect(workOf('forward', inputs).flops).toBe(2 * (products + scores) + 2 * 1 * 4 * 10);
});

it('training every weight costs three forward passes: each product has two gradients', () => {
  expect(workOf('train-step', inputs).flops).toBe(3 * workOf('forward', inputs).flops);
});

it('an evaluation counts its records without padding, and reads each weight once', () => {
  const { flops, bytes } = workOf('perplexity-eval', inputs);
  expect(flops).toBe(2 * (2 * products + 2 * scores) + 2 * 3 * 4 * 10);
  const twice = { ...inputs, evaluated: { lengths: [2, 2, 2, 2], scored: 6 } };
  expect(workOf('perplexity-eval', twice).bytes).toBeLessThan(2 * bytes);
});

it.each([96, 576, 4096])('at width %i the records fill the steps of SFT and the batches of an evaluation', (width) => {
  for (const quick of [false, true]) {
    const { sft, evaluation, slw } = sizesFor(width, quick);
    expect(sft.batch_size % sft.micro_batch).toBe(0);
    expect(evaluation.records % 16).toBe(0);
    expect(slw.rows % slw.batch_tokens).toBe(0);
  }
});
