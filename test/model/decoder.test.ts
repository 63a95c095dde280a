// Decoding with a cache against the forward pass without one: the same logits at every position, whatever the rows hold.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Weights } from '../../model/architecture/weights.ts';
import { forward } from '../../model/forward/forward.ts';
import { cachePlaces, KvCache } from '../../model/forward/kv-cache.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { createDecoder } from '../../model/generate/decoder.ts';
import { createRecovery, disposeRecovery } from '../../model/sharing/recovery.ts';
import { type Replacement, replacementsOf } from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tensorStats } from '../../tensor/backend/stats.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import { expectClose, fixture, loadFixture, type Packed, unpack } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const tolerance = 1e-4;

/** Reads one token and feeds the rest one by one: logits [T, V] of every row. Row b begins `b` tokens long after its first. */
async function decoded(model: Model, texts: readonly number[][]): Promise<number[][]> {
  const decoder = createDecoder(model);
  decoder.resize(texts.length);
  const found: number[][] = texts.map(() => []);
  const places = texts.map((_, b) => b + 1);
  for await (const prompts of decoder.read(texts.map((text, b) => text.slice(0, b + 1)))) {
    for (const prompt of prompts) {
      decoder.fill(prompt.number, prompt);
      found[prompt.number]?.push(...prompt.logits);
    }
  }
  for (;;) {
    const rows = [...texts.keys()].filter((b) => (places[b] as number) < (texts[b] as number[]).length);
    if (rows.length === 0) return found;
    const tokens = Int32Array.from(texts, (text, b) => text[places[b] as number] ?? 0);
    const logits = await decoder.step(tokens, rows);
    const size = model.config.vocab_size;
    for (const b of rows) {
      found[b]?.push(...logits.subarray(b * size, (b + 1) * size));
      places[b] = (places[b] as number) + 1;
    }
  }
}

/** Compares `decoded` with the plain forward pass of each text by itself. */
async function expectEqualLogits(model: Model, texts: readonly number[][]): Promise<void> {
  const found = await decoded(model, texts);
  for (const [b, text] of texts.entries()) {
    const logits = forward(model, tf.tensor2d([text], undefined, 'int32'));
    const expected = (await logits.data()).subarray(b * model.config.vocab_size);
    expectClose(found[b] as number[], expected, tolerance, `logits of text ${b + 1}`);
    logits.dispose();
  }
  model.disposeFrames();
}

function randomTexts(lengths: readonly number[], vocabulary: number): number[][] {
  const random = createRandom('decoder test', vocabulary);
  return lengths.map((length) => Array.from({ length }, () => random.below(vocabulary)));
}

describe.each(['cpu', 'onnx'] as const)('on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each(['mha', 'gqa', 'deep'])('%s gives the logits of transformers, one token at a time', async (name) => {
    const expected = fixture<{ ids: number[][]; logits: Packed }>(`${name}.json`);
    const { weights, config } = await loadFixture(name);
    const model = createModel(weights);
    const found = await decoded(model, expected.ids);
    const all = unpack(expected.logits);
    const perText = (expected.ids[0] as number[]).length * config.vocab_size;
    found.forEach((logits, b) => {
      const wanted = all.subarray(b * perText + b * config.vocab_size, (b + 1) * perText);
      expectClose(logits, wanted, tolerance, `logits of text ${b + 1}`);
    });
    model.disposeFrames();
  });

  it.each(['mha', 'gqa', 'deep'])(
    '%s gives what it gives without a cache, for texts of unlike lengths',
    async (name) => {
      const { weights, config } = await loadFixture(name);
      const lengths = backend === 'cpu' ? [9, 5, 7] : [30, 12, 21];
      await expectEqualLogits(createModel(weights), randomTexts(lengths, config.vocab_size));
    },
  );
});

describe('every kind of recovery', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));
  const lengths = [18, 9];

  it.each<[string, readonly Replacement[]]>([
    ['shared', replacementsOf([{ reference: 2, targets: [3, 4] }])],
    ['pruned', [{ target: 3, reference: null, candidate: 'g0', rank: 0 }]],
    ['g0', replacementsOf([{ reference: 2, targets: [3, 4] }], 'g0', 3)],
    ['g1', replacementsOf([{ reference: 1, targets: [2] }], 'g1', 3)],
    ['LoRA on its own layer', [{ target: 2, reference: 2, candidate: 'g0', rank: 2 }]],
  ])('%s', async (_name, replacements) => {
    const config = tinyConfig({ num_key_value_heads: 2, tie_word_embeddings: true });
    const weights = tinyWeights(config);
    const recovery = createRecovery(config, replacements, { init: 'default', seed: 1 }, weights);
    for (const [name, variable] of recovery.parameters) {
      tf.tidy(() => variable.assign(tf.tensor(normals(variable.size, name), variable.shape).mul(0.3)));
    }
    onTestFinished(() => free(weights, recovery));
    await expectEqualLogits(createModel(weights, recovery), randomTexts(lengths, config.vocab_size));
  });

  it('MLPs of unlike widths', async () => {
    const config = tinyConfig({ intermediate_sizes: [12, 5, 8, 1] });
    const weights = tinyWeights(config);
    onTestFinished(() => free(weights));
    await expectEqualLogits(createModel(weights), randomTexts(lengths, config.vocab_size));
  });
});

function free(weights: Weights, recovery?: ReturnType<typeof createRecovery>): void {
  weights.dispose();
  if (recovery !== undefined) disposeRecovery(recovery);
}

describe('the decoder', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it('grows its cache in the middle of a text, past 64 tokens', async () => {
    const config = tinyConfig({ max_position_embeddings: 256 });
    const weights = tinyWeights(config);
    onTestFinished(() => free(weights));
    await expectEqualLogits(createModel(weights), randomTexts([70, 67], config.vocab_size));
  });

  it('reads what prompts share once, and each goes on as if it were alone', async () => {
    const config = tinyConfig({ max_position_embeddings: 256 });
    const weights = tinyWeights(config);
    onTestFinished(() => free(weights));
    const model = createModel(weights);
    const [examples, one, two, other] = randomTexts([50, 9, 4, 30], config.vocab_size) as [number[], ...number[][]];
    const begun = (...parts: number[][]) => [...examples, ...parts.flat()];
    const prompts = [
      begun(one as number[]),
      other as number[],
      begun(),
      begun(two as number[]),
      begun(one as number[]),
    ];
    for (const order of ['given', 'length'] as const) {
      const decoder = createDecoder(model);
      decoder.resize(prompts.length);
      const read: number[] = [];
      const rows: number[] = [];
      for await (const pass of decoder.read(prompts, order)) {
        for (const prompt of pass) decoder.fill(prompt.number, prompt);
        read.push(...pass.map(({ number }) => number));
        rows.push(...new Set(pass.map(({ row }) => row)));
      }
      // the tree of four, and the other by itself
      expect([read.toSorted(), rows]).toEqual([
        [0, 1, 2, 3, 4],
        [0, 0],
      ]);
      expect(read.at(order === 'given' ? -1 : 0)).toBe(1);
      const logits = await decoder.step(new Int32Array(prompts.length).fill(3), [...prompts.keys()]);
      for (const [b, prompt] of prompts.entries()) {
        const alone = forward(model, tf.tensor2d([[...prompt, 3]], undefined, 'int32'));
        const expected = (await alone.data()).slice(-config.vocab_size);
        expectClose(
          logits.subarray(b * config.vocab_size).slice(0, config.vocab_size),
          expected,
          tolerance,
          `text ${b}`,
        );
        alone.dispose();
      }
    }
    model.disposeFrames();
  });

  it('goes on with eight texts of a model whose matrices are large enough to be turned', async () => {
    const config = tinyConfig({ hidden_size: 64, num_hidden_layers: 2, intermediate_size: 4096, vocab_size: 4096 });
    const weights = tinyWeights(config, 3);
    onTestFinished(() => free(weights));
    await expectEqualLogits(createModel(weights), randomTexts([9, 10, 11, 12, 13, 14, 15, 16], config.vocab_size));
  });

  it('compiles one graph for each number of rows, and leaves no tensor behind', async () => {
    const config = tinyConfig({ max_position_embeddings: 256 });
    const weights = tinyWeights(config, 7);
    onTestFinished(() => free(weights));
    const model = createModel(weights);
    const before = tensorStats();
    await decoded(model, randomTexts([160], config.vocab_size));
    model.disposeFrames();
    const after = tensorStats();
    // one for reading, one for steps against any number of places; recorded once each, run 160 times
    expect(after.compiled - before.compiled).toBeLessThanOrEqual(2);
    expect(after.runs - before.runs).toBe(160);
    expect([after.tensors, after.pending]).toEqual([before.tensors, before.pending]);
  });

  it('grows by nothing over a thousand tokens, batches that change and prompts of many lengths', async () => {
    const config = tinyConfig({ max_position_embeddings: 1200 });
    const weights = tinyWeights(config, 5);
    onTestFinished(() => free(weights));
    const decoder = createDecoder(createModel(weights));
    const lengths = [1, 9, 17, 40];
    const round = async (tokens: number) => {
      for (const rows of [4, 2, 1]) {
        for (let row = 0; row < decoder.rows; row++) decoder.clear(row);
        decoder.resize(rows);
        const prompts = randomTexts(lengths.slice(0, rows), config.vocab_size);
        for await (const pass of decoder.read(prompts)) for (const prompt of pass) decoder.fill(prompt.number, prompt);
        const all = [...prompts.keys()];
        for (let i = 0; i < tokens; i++)
          await decoder.step(
            Int32Array.from(all, () => i % config.vocab_size),
            all,
          );
      }
      const { tensors, buffers, pending, nodes, sessions, compiled } = tensorStats();
      return { tensors, buffers, pending, nodes, sessions, compiled };
    };
    const after = await round(3);
    expect(await round(340)).toEqual(after); // 1,020 steps
  });

  it('refuses a text longer than the context', () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    onTestFinished(() => free(weights));
    const decoder = createDecoder(createModel(weights), 8);
    decoder.resize(1);
    expect(() => decoder.read([[1], new Array(9).fill(1)])).toThrow('a text has 9 tokens, expected 1 to 8');
  });
});

describe('the cache', () => {
  const config = tinyConfig({ num_hidden_layers: 1, num_key_value_heads: 1, head_dim: 2, num_attention_heads: 2 });
  const tokens = (...values: number[]) => ({ k: Float32Array.from(values), v: Float32Array.from(values, (x) => -x) });

  it('keeps its rows when it changes size, moves and forgets them', () => {
    const cache = new KvCache(config);
    cache.resize(2, 3);
    const found = [tokens(9, 9, 5, 6, 9, 9, 1, 2, 9, 9, 3, 4)]; // two rows of three tokens, some of them of other texts
    cache.fill(0, { found, rows: 2, row: 1, places: Int32Array.of(0, 2) });
    cache.fill(1, { found, rows: 2, row: 0, places: Int32Array.of(1) });
    cache.append([1], [tokens(0, 0, 7, 8)]);
    expect([...cache.lengths]).toEqual([2, 2]);
    cache.resize(2, 4);
    expect([...(cache.layers[0]?.k ?? [])]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 0, 0, 0, 0]);
    cache.clear(0);
    cache.move(1, 0);
    cache.resize(1, 2);
    expect([...(cache.layers[0]?.v ?? [])]).toEqual([-5, -6, -7, -8]);
    expect([...cache.lengths]).toEqual([2]);
    expect(() => cache.resize(1, 1)).toThrow('a text has more than 1 tokens');
  });

  it('has few sizes: eighths of powers of two, from 32 to the context', () => {
    expect([1, 64, 65, 200, 300].map((tokens) => cachePlaces(tokens, 300))).toEqual([32, 64, 96, 224, 300]);
    expect([513, 4000].map((tokens) => cachePlaces(tokens, 4096))).toEqual([640, 4096]);
    expect(cachePlaces(3, 8)).toBe(8);
  });
});
