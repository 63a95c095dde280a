// Layer scores against PyTorch, and the weights' differences against numpy.
import { describe, expect, it } from 'vitest';
import type { MatrixRole } from '../../model/architecture/roles.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { layerSimilarity } from '../../model/measure/layer-similarity.ts';
import { type Difference, relativeDifference, weightDifferences } from '../../model/measure/weight-difference.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { baseline, loadBaseline } from './baselines.ts';

type ByLayer = Record<string, number>;
interface Similarity {
  sequences: number[][];
  angular: Record<string, ByLayer>;
  block_influence: ByLayer;
  attention_similarity: ByLayer;
  mlp_similarity: ByLayer;
  mlp_output: ByLayer;
  mlp_first_token: ByLayer;
  mlp_largest: ByLayer;
  mlp_largest_channel: ByLayer;
}

const closeTo = (actual: ByLayer, expected: ByLayer, digits: number) => {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [layer, value] of Object.entries(expected))
    expect(actual[layer], `layer ${layer}`).toBeCloseTo(value, digits);
};

describe.each(['cpu', 'onnx'] as const)('layerSimilarity on backend %s', (backend) => {
  it('gives the scores of PyTorch hooks to 1e-5, whatever the batches', async () => {
    await useBackend({ backend });
    const expected = baseline<Similarity>('similarity.json');
    const checkpoint = await openStored((await loadBaseline()).path);
    const examples = expected.sequences.map((ids) => ({ ids: Int32Array.from(ids), labels: Int32Array.from(ids) }));
    const before = tf.memory().numTensors;
    for (const batch_size of [2, 8]) {
      const found = await layerSimilarity({ checkpoint }, examples, { batch_size, batch_tokens: 1024, max_length: 64 });
      for (const [n, byLayer] of Object.entries(expected.angular)) closeTo(found.angular[n] as ByLayer, byLayer, 5);
      for (const score of ['block_influence', 'attention_similarity', 'mlp_similarity'] as const)
        closeTo(found[score], expected[score], 5);
      for (const measure of ['mlp_output', 'mlp_first_token', 'mlp_largest'] as const)
        closeTo(found[measure], expected[measure], 5);
      expect(found.mlp_largest_channel).toEqual(expected.mlp_largest_channel);
      expect([found.sequences, found.tokens]).toEqual([5, 45]);
    }
    await checkpoint.close();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('weightDifferences', () => {
  it('gives the Frobenius ratios of numpy to 1e-6', async () => {
    const { difference } = baseline<{ difference: Record<MatrixRole, Difference> }>('weight-difference.json');
    const checkpoint = await openStored((await loadBaseline()).path);
    const found = await weightDifferences(checkpoint.config, (name) => checkpoint.readFloat32(name));
    await checkpoint.close();
    expect(Object.keys(found)).toEqual(Object.keys(difference));
    for (const [matrix, expected] of Object.entries(difference)) {
      const { mean, by_layer } = found[matrix as MatrixRole];
      expect(mean).toBeCloseTo(expected.mean, 6);
      closeTo(by_layer, expected.by_layer, 6);
    }
  });

  it('is 0 for equal matrices and 2 for opposite ones', () => {
    const matrix = Float32Array.of(1, -2, 3);
    expect(relativeDifference(matrix, matrix)).toBe(0);
    expect(
      relativeDifference(
        matrix,
        matrix.map((x) => -x),
      ),
    ).toBe(2);
  });
});
