// Scoring token pairs: sequences joined into trees give what each gives alone.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { forward } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { type PairScore, scorePairs, type TokenPair } from '../../model/generate/score.ts';
import { isChain, tokenTrees, writeTreeMask } from '../../model/generate/token-trees.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { MASKED } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import { scratch } from './fixtures.ts';
import { tinyConfig, tinyWeights } from './tiny.ts';

const always = { most: 100, attended: 1e6 };

describe('token trees', () => {
  it('hold what sequences share once, and a path for each', () => {
    const sequences = [[1, 2, 3], [9], [1, 2, 4, 5], [1, 2]];
    const trees = tokenTrees(sequences, always);
    expect(trees.map(({ ids }) => ids)).toEqual([[1, 2, 3, 4, 5], [9]]);
    const [tree] = trees as [(typeof trees)[number]];
    expect(tree.positions).toEqual([0, 1, 2, 2, 3]);
    expect(tree.parents).toEqual([-1, 0, 1, 1, 3]);
    expect([...tree.paths].map(([number, path]) => [number, [...path]])).toEqual([
      [3, [0, 1]],
      [0, [0, 1, 2]],
      [2, [0, 1, 3, 4]],
    ]);
    expect(trees.map(isChain)).toEqual([false, true]);
  });

  it('are not joined where attending costs more than reading twice, or beyond the largest', () => {
    const sequences = [
      [1, 2, 3],
      [1, 4, 5],
    ];
    // joined, 5 tokens: 25 pairs instead of 9 + 9, for one token saved
    expect(tokenTrees(sequences, { most: 100, attended: 7 })).toHaveLength(2);
    expect(tokenTrees(sequences, { most: 100, attended: 8 })).toHaveLength(1);
    expect(tokenTrees(sequences, { most: 4, attended: 8 })).toHaveLength(2);
  });

  it('let a token see its ancestors and itself', () => {
    const mask = new Float32Array(16);
    writeTreeMask(mask, 0, 4, [-1, 0, 0]);
    const seen = [...mask].map((value) => (value === MASKED ? 0 : 1));
    expect(seen).toEqual([1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1]);
  });
});

describe.each(['onnx', 'cpu'] as const)('scores on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend, threads: 1 }));

  it('equal those of one forward pass for each pair', async () => {
    const config = tinyConfig({ hidden_size: 16, intermediate_size: 24, max_position_embeddings: 64 });
    const weights = tinyWeights(config);
    const model = createModel(weights);
    const random = createRandom('score');
    const ids = (count: number) => Array.from({ length: count }, () => random.below(config.vocab_size));
    const questions = [ids(20), ids(9), ids(30)];
    const pairs: TokenPair[] = questions.flatMap((context) => [
      ...[1, 1, 3, 4].map((count) => ({ context, continuation: ids(count) })),
      { context: context.slice(0, 5), continuation: context.slice(5) }, // a beginning of the others
    ]);
    const alone: PairScore[] = [];
    for (const { context, continuation } of pairs) {
      const logProbs = tf.tidy(() => {
        const all = forward(model, tf.tensor2d([[...context, ...continuation]], undefined, 'int32'));
        return tf.logSoftmax(tf.squeeze(all, [0]));
      });
      const rows = (await logProbs.array()) as number[][];
      logProbs.dispose();
      const found = continuation.map((token, i) => {
        const row = rows[context.length + i - 1] as number[];
        return { value: row[token] as number, best: row.indexOf(Math.max(...row)) === token };
      });
      alone.push({
        logprob: found.reduce((sum, { value }) => sum + value, 0),
        is_greedy: found.every(({ best }) => best),
      });
    }
    model.disposeFrames();
    const path = join(await scratch(), 'model.arrow');
    await writeModel(path, config, weights, { tokenizer_json: null, tokenizer_config_json: null }, 'F32');
    const checkpoint = await openStored(path);
    const before = tf.memory().numTensors;
    for (const batch_size of [1, 4]) {
      const together = await scorePairs({ checkpoint }, pairs, { batch_size });
      together.forEach(({ logprob, is_greedy }, i) => {
        expect(logprob).toBeCloseTo(alone[i]?.logprob as number, 4);
        expect(is_greedy).toBe(alone[i]?.is_greedy);
      });
    }
    await checkpoint.close();
    expect(tf.memory().numTensors).toBe(before);
    weights.dispose();
  });
});
