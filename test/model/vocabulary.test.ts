// The head in blocks against all logits at once, in float64; and texts packed into passages.
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { packsOf, runsOf } from '../../model/walk/packs.ts';
import { rowBlocks } from '../../model/walk/rows.ts';
import { scoreTokens } from '../../model/walk/vocabulary.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { scratch } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

describe.each(['cpu', 'onnx'] as const)('tokens scored in blocks of the vocabulary, on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  // 5,000 words are two blocks, 1,100 rows as well
  it.each([true, false])('have the losses of all logits at once, and the likeliest words (tied: %s)', async (tied) => {
    const config = tinyConfig({ vocab_size: 5000, tie_word_embeddings: tied });
    const weights = tinyWeights(config);
    const path = join(await scratch(), 'model.arrow');
    await writeModel(path, config, weights, { tokenizer_json: null, tokenizer_config_json: null }, 'F32');
    const checkpoint = await openStored(path);
    onTestFinished(() => checkpoint.close());
    const rows = 1100;
    const states = normals(rows * 8, 'states').map((value) => 3 * value);
    const labels = Int32Array.from({ length: rows }, (_, r) => (r * 4567) % 5000);
    const table = await checkpoint.readFloat32(tied ? 'model.embed_tokens.weight' : 'lm_head.weight');
    const expected = Array.from({ length: rows }, (_, r) =>
      exact(states.subarray(8 * r, 8 * r + 8), table, labels[r] as number),
    );
    const { losses, likeliest } = await scoreTokens({ checkpoint }, states, labels, { likeliest: true });
    for (const [r, { loss, best }] of expected.entries()) {
      expect(Math.abs((losses[r] as number) - loss)).toBeLessThan(1e-5);
      expect(likeliest[r]).toBe(best);
    }
    weights.dispose();
  });
});

/** The loss of `label` and the likeliest word, by the definition; the final norm of a new model has weights of 1. */
function exact(state: Float32Array, table: Float32Array, label: number): { loss: number; best: number } {
  const rms = Math.sqrt(state.reduce((sum, x) => sum + x * x, 0) / state.length + tinyConfig().rms_norm_eps);
  const logits = Array.from({ length: table.length / 8 }, (_, word) =>
    state.reduce((sum, x, i) => sum + (x / rms) * (table[8 * word + i] as number), 0),
  );
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const logSum = largest + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  return { loss: logSum - (logits[label] as number), best: logits.indexOf(largest) };
}

describe('packs', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 60 });
  const bounds = fc.record({
    batch_tokens: fc.integer({ min: 1, max: 2048 }),
    batch_size: fc.integer({ min: 1, max: 20 }),
  });
  const sizeOf = (pack: readonly number[], all: readonly number[]) =>
    pack.length * Math.max(...pack.map((i) => all[i] as number));

  it('hold every text once, within the bounds, each text with others of like length', () => {
    fc.assert(
      fc.property(lengths, bounds, (all, settings) => {
        const packs = packsOf(all, { ...settings, max_length: 300 });
        expect(packs.flat().toSorted((a, b) => a - b)).toEqual([...all.keys()]);
        expect(packs.flat().map((i) => all[i])).toEqual(all.toSorted((a, b) => a - b));
        for (const pack of packs) {
          expect(pack.length).toBeLessThanOrEqual(settings.batch_size);
          if (pack.length > 1) expect(sizeOf(pack, all)).toBeLessThanOrEqual(settings.batch_tokens);
        }
      }),
    );
  });

  it('pad little: texts of 100 to 300 tokens become passages of at most 6 % more', () => {
    const all = Array.from({ length: 200 }, (_, i) => 100 + ((i * 37) % 201));
    const packs = packsOf(all, { batch_tokens: 1024, max_length: 300 });
    const padded = packs.reduce((sum, pack) => sum + sizeOf(pack, all), 0);
    expect(padded / all.reduce((a, b) => a + b, 0)).toBeLessThan(1.06);
    expect(packs.length).toBeLessThan(60);
  });

  it('cost little: texts that a passage could hold are apart where padding would cost more', () => {
    const settings = { batch_tokens: 1024, max_length: 512 };
    expect(packsOf([8, 8, 16, 16, 500], settings)).toEqual([[0, 1, 2, 3], [4]]);
  });

  it('texts are taken in runs of their order as far as their states fit, one at least', () => {
    const all = [8, 64, 8, 16, 16];
    expect(runsOf([...all.keys()], all, 10, { max_length: 64 }, 4 * 10 * 32)).toEqual([[0], [1], [2, 3], [4]]);
  });

  it('rows of a matrix come in blocks that cover it', () => {
    expect(rowBlocks(10, 3, 12)).toEqual([
      { first: 0, count: 4 },
      { first: 4, count: 4 },
      { first: 8, count: 2 },
    ]);
    expect(rowBlocks(2, 100, 12)).toEqual([
      { first: 0, count: 1 },
      { first: 1, count: 1 },
    ]);
  });
});
