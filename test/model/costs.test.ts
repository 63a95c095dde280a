// Costs by arithmetic, against what PyTorch counts and what methods and paper say of Llama-2-7b.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../contract/stage.ts';
import { parseConfig } from '../../model/architecture/config.ts';
import { parameterCounts } from '../../model/architecture/tensors.ts';
import {
  attentionParameters,
  forwardFlops,
  forwardMemory,
  frozenMemory,
  type ModelShape,
  mlpParameters,
  modelParameters,
  pretrainFlops,
  residentMemory,
  sftFlops,
  sftMemory,
  shapeOfFacts,
  slwWork,
  walkMemory,
} from '../../model/sizes/costs.ts';

const counts = JSON.parse(readFileSync(new URL('../fixtures/costs/counts.json', import.meta.url), 'utf8'));

const large = { layers: 32, hidden_size: 4096, intermediate_size: 11008, vocab_size: 32000, heads: 32 };
const llama7b = shapeOfFacts(large) as ModelShape;
const llama3b = shapeOfFacts({
  layers: 28,
  hidden_size: 3072,
  intermediate_size: 8192,
  vocab_size: 128256,
  heads: 24,
  kv_heads: 8,
  tied: true,
}) as ModelShape;
const { small: sizes } = counts;
const small = shapeOfFacts({
  layers: sizes.num_hidden_layers,
  hidden_size: sizes.hidden_size,
  intermediate_size: sizes.intermediate_size,
  vocab_size: sizes.vocab_size,
  heads: sizes.num_attention_heads,
  kv_heads: sizes.num_key_value_heads,
}) as ModelShape;
const granularity: 'mlp' | 'projection' = 'mlp';
const text = { tokens: sizes.batch * sizes.tokens, length: sizes.tokens };
/** g0 on one matrix, alpha left out: r (d + f). */
const perMatrix = sizes.rank * (sizes.hidden_size + sizes.intermediate_size);

describe('parameters', () => {
  it('of Llama-2-7b are those of methods F and of PyTorch', () => {
    expect(mlpParameters(llama7b)).toBe(135_266_304);
    expect(attentionParameters(llama7b)).toBe(67_108_864);
    expect(modelParameters(llama7b)).toBe(counts.parameters.llama_2_7b);
  });

  it('of Llama-3.2-3B, with grouped queries and a tied head, are those of PyTorch', () => {
    expect(modelParameters(llama3b)).toBe(counts.parameters.llama_3_2_3b);
  });

  it('are those of the tensors that a configuration asks for', () => {
    const config = parseConfig({ model_type: 'llama', rms_norm_eps: 1e-5, ...sizes }, 'config.json');
    expect(modelParameters(small)).toBe(parameterCounts(config).total);
    expect(modelParameters(small)).toBe(counts.parameters.small);
  });

  it('are unknown without the sizes that decide them', () => {
    expect(shapeOfFacts({ layers: 32 })).toBeUndefined();
    expect(shapeOfFacts(undefined)).toBeUndefined();
  });
});

describe('operations', () => {
  it('of a forward pass are those that PyTorch runs', () => {
    expect(forwardFlops(small, text)).toBe(counts.flops.forward);
  });

  it('of one SLW step with g0 are those that PyTorch runs, the original MLP once', () => {
    const size = {
      ...{ tokens: text.tokens, epochs: 1, batch_tokens: text.tokens },
      ...{ candidate: 'g0', rank: sizes.rank, granularity },
    } as const;
    const scalars = 3 * 6 * text.tokens; // the three alphas are counted like parameters of a product
    expect(slwWork(small, size).flops - scalars).toBe(counts.flops.slw);
  });

  it('of one SFT step are those that PyTorch runs, but for the inputs of the first target', () => {
    const recovery = { parameters: 3 * sizes.targets.length * perMatrix, first_layer: sizes.targets[0] };
    const unneeded = 4 * sizes.rank * sizes.hidden_size * text.tokens;
    expect(sftFlops(small, text, recovery) - unneeded).toBe(counts.flops.sft);
  });

  it('of a token of Llama-2-7b are two per weight that is multiplied', () => {
    const multiplied = 6_738_415_616 - 32000 * 4096 - 65 * 4096; // without embedding and norms
    expect(forwardFlops(llama7b, { tokens: 1, length: 0 })).toBe(2 * multiplied);
    expect(pretrainFlops(llama7b, { tokens: 1, length: 0 })).toBe(6 * multiplied);
  });

  it('of SLW count a frozen product once where its rows are kept, in every epoch where they find no place', () => {
    const size = { epochs: 5, batch_tokens: 1024, candidate: 'g0', rank: 400, granularity } as const;
    const [d, f] = [4096, 11008];
    const student = 2 * 2 * d * f + 6 * 3 * (1 + 400 * (d + f)) - 4 * 400 * d; // down and its gradient
    // 2,048 rows: the original MLP and the reference's gate and up in memory
    expect(slwWork(llama7b, { ...size, tokens: 2048 }).flops).toBe(2048 * (5 * student + 5 * 2 * d * f));
    // 1.5 million: 25 GB of outputs in files, 132 GB of gate and up nowhere
    expect(slwWork(llama7b, { ...size, tokens: 1.5e6 }).flops).toBe(
      1.5e6 * (5 * (student + 2 * 2 * d * f) + 3 * 2 * d * f),
    );
  });

  it('of SLW by projections are those of the recovery parameters alone, once all products are kept', () => {
    const size = { epochs: 5, batch_tokens: 1024, candidate: 'g0', rank: 8, granularity: 'projection' } as const;
    const { hidden_size: d, intermediate_size: f } = small;
    const each = 6 * 3 * (1 + 8 * (d + f)) - 4 * 8 * d - 2 * 8 * f;
    expect(slwWork(small, { ...size, tokens: 2048 }).flops).toBe(2048 * (5 * each + 6 * 2 * d * f));
  });

  it('of candidates with as many parameters differ by what they take as known: g2 nothing of gate and up, g3 nothing at all', () => {
    const flops = (candidate: string, rank: number) =>
      slwWork(llama7b, { tokens: 1e6, epochs: 5, batch_tokens: 1024, candidate, rank, granularity }).flops;
    expect(flops('g1', 163) / flops('g0', 400)).toBeCloseTo(1, 1);
    const products = 5 * 1e6 * 4 * (2 * 4096 * 11008); // gate and up with the gradients of their inputs
    const found = flops('g0', 400) - 5 * 1e6 * 2 * (2 * 4096 * 11008); // without gate and up, which are made in every step here
    expect((flops('g2', 259) - products) / found).toBeCloseTo(1, 1);
    expect(flops('g3', 200)).toBeGreaterThan(flops('g2', 259));
  });
});

describe('memory', () => {
  it('of a pass over Llama-2-7b is at least its float32 weights', () => {
    const memory = forwardMemory(llama7b, { sequences: 1, length: 1 });
    expect((memory - residentMemory(0, 0)) / (4 * 6_738_415_616)).toBeCloseTo(1, 3);
  });

  it('of a walk through Llama-2-7b is that of one layer, and of a head block, and no more than the bounds for states', () => {
    const text = { tokens: 1, length: 1, batch_tokens: 1 };
    const layer = 4 * 202_383_360; // a layer's weights, norms included
    expect(walkMemory(llama7b, text) - residentMemory(layer, 12 * 2 ** 22)).toBeLessThan(2 ** 21);
    expect(walkMemory(llama7b, { ...text, tokens: 1e9 }) - walkMemory(llama7b, text)).toBeCloseTo(2 * 2 ** 27, -5);
  });

  it('of an SFT grows with the micro batch, and by 16 bytes for each trained number', () => {
    const recovery = { parameters: 0, first_layer: 4 };
    const one = sftMemory(llama7b, recovery, { sequences: 1, length: 2048 });
    const two = sftMemory(llama7b, recovery, { sequences: 2, length: 2048 });
    const weights = 4 * 6_738_415_616;
    // with the logits of 256 rows at once, in however many records
    const logits = 1.7 * 4 * 2 * 256 * 32_000;
    const rest = residentMemory(weights, 2 ** 28) - 1.7 * 2 ** 28 + logits; // the arenas are full
    expect(two - rest).toBeCloseTo(2 * (one - rest), -3);
    const trained = { parameters: 1e6, first_layer: 4 };
    const shorter = sftMemory(llama7b, { ...trained, parameters: 2e6 }, { sequences: 1, length: 2048 });
    expect(shorter - sftMemory(llama7b, trained, { sequences: 1, length: 2048 })).toBe(16e6);
  });

  it('of frozen weights is what is stored, and a layer or the head that is widened', () => {
    const [all, layer] = [6_738_415_616, 202_383_360]; // the layer: 135,266,304 + 67,108,864 and two norms of 4,096
    expect(frozenMemory(llama7b)).toBe(2 * all + 4 * layer);
    expect(frozenMemory({ ...llama7b, stored_bytes: 4 })).toBe(4 * all);
    expect(frozenMemory({ ...llama7b, stored_bytes: 0.5 })).toBe(4 * all);
  });

  it('of SLW is far below that of the model', () => {
    const { memory_bytes } = slwWork(llama7b, {
      tokens: 1.5e6,
      epochs: 5,
      batch_tokens: 1024,
      candidate: 'g0',
      rank: 400,
      granularity,
    });
    expect(memory_bytes).toBeGreaterThan(2 * 135_266_304 * 4);
    expect(memory_bytes).toBeLessThan(4e9);
  });
});

// peaks of fresh workers in MB, 2026-12-01, Node 20, two cores: model/README.md says of which runs
describe('memory is within 0.8 to 1.5 of what workers held at their peak', () => {
  const shapeOf = (facts: Facts) => shapeOfFacts({ heads: 3, weight_bytes: 4, ...facts }) as ModelShape;
  const tiny = shapeOf({ layers: 12, hidden_size: 96, intermediate_size: 256, vocab_size: 1024 });
  const smol = { layers: 30, hidden_size: 576, intermediate_size: 1536, heads: 9, kv_heads: 3, tied: true };
  const [smollm, narrow] = [shapeOf({ ...smol, vocab_size: 49_152 }), shapeOf({ ...smol, vocab_size: 4096 })];
  const sft = (shape: ModelShape, parameters: number, sequences: number, length: number) =>
    sftMemory(shape, { parameters, first_layer: 4 }, { sequences, length });
  const pretrain = (shape: ModelShape, sequences: number, length: number) =>
    sftMemory(shape, { parameters: modelParameters(shape), first_layer: 1 }, { sequences, length });
  const walk = (shape: ModelShape, tokens: number, length: number) =>
    walkMemory(shape, { tokens, length, batch_tokens: 1024 });
  const slw = (shape: ModelShape, tokens: number, rank: number, batch_tokens: number) =>
    slwWork(shape, { tokens, epochs: 5, batch_tokens, candidate: 'g0', rank, granularity }).memory_bytes;

  it.each([
    ['sft of models/tiny, 32 records', sft(tiny, 47_000, 32, 128), 730],
    ['sft of SmolLM2, 4 records of 384 tokens, the first step', sft(smollm, 4_600_000, 4, 384), 3276],
    ['sft of SmolLM2, all of Table 2 in one worker', sft(smollm, 4_600_000, 4, 384), 5600],
    ['pretrain of models/tiny', pretrain(tiny, 16, 128), 559],
    ['pretrain in the shape of SmolLM2, 4,096 words', pretrain(narrow, 4, 256), 4356],
    ['perplexity-eval of models/tiny', walk(tiny, 25_600, 128), 256],
    ['perplexity-eval of SmolLM2', walk(smollm, 18_000, 384), 807],
    ['capture-activations of SmolLM2', walk(smollm, 5600, 384), 662],
    ['slw of models/tiny', slw(tiny, 20_000, 10, 128), 287],
    ['slw of SmolLM2', slw(smollm, 5600, 57, 256), 377],
  ])('%s', (_, predicted, measured_mb) => {
    expect(predicted / 1e6 / measured_mb).toBeGreaterThan(0.8);
    expect(predicted / 1e6 / measured_mb).toBeLessThan(1.5);
  });
});
