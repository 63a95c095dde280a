// The candidate transformations against PyTorch and finite differences, their starts, and singular vectors against numpy.
import { beforeAll, describe, expect, it } from 'vitest';
import { type Projection, projections } from '../../model/architecture/roles.ts';
import { replacedMlp } from '../../model/forward/mlp.ts';
import type { Init } from '../../model/methods/method.ts';
import { initOf, matchedRank, matrixParameters, methodNames } from '../../model/methods/registry.ts';
import { createRecovery, type Recovery } from '../../model/sharing/recovery.ts';
import { recoveryName } from '../../model/sharing/recovery-shapes.ts';
import { singularVectors } from '../../model/sharing/singular-vectors.ts';
import { applyMatrix, type ParameterOf, tensorProduct } from '../../model/sharing/tensor-matrix.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, type Packed, unpack } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

interface CandidateCase {
  candidate: string;
  projection: Projection;
  rank: number;
  weight: Packed;
  x: Packed;
  parameters: Record<string, Packed>;
  y: Packed;
  dy: Packed;
  dx: Packed;
  gradients: Record<string, Packed>;
}

interface SingularCase {
  rank: number;
  decay: number;
  matrix: Packed;
  left: Packed;
  right: Packed;
  best_error: number;
}

const { candidates, singular } = fixture<{ candidates: CandidateCase[]; singular: SingularCase[] }>('candidates.json');
const config = tinyConfig();
const tensorOf = (packed: Packed) => tf.tensor(unpack(packed), packed.shape, 'float32');
const matrixOf = (packed: Packed) => tf.tensor2d(unpack(packed), packed.shape as [number, number]);
const of = (candidate: string, rank = 3) => ({ reference: 2, target: 3, candidate, rank });

/** A recovery whose every number is random, as after training. */
function randomRecovery(candidate: string): Recovery {
  const recovery = createRecovery(config, [of(candidate)], { init: 'default', seed: 5 }, tinyWeights(config));
  for (const [name, variable] of recovery.parameters) {
    tf.tidy(() => variable.assign(tf.mul(0.5, tf.tensor(normals(variable.size, name), variable.shape))));
  }
  return recovery;
}

describe.each(['cpu', 'onnx'] as const)('candidates on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each(candidates)('$candidate of $projection is its explicit matrix, gradients included (PyTorch)', async (one) => {
    const names = Object.keys(one.parameters);
    const values = names.map((name) => tensorOf(one.parameters[name] as Packed));
    const weight = matrixOf(one.weight);
    const apply = (x: tf.Tensor, ...given: tf.Tensor[]) => {
      const parameter: ParameterOf = (name) => given[names.indexOf(name)] as tf.Tensor;
      return applyMatrix(
        one.candidate,
        one.projection,
        x as tf.Tensor2D,
        tensorProduct(() => weight),
        parameter,
      );
    };
    const x = matrixOf(one.x);
    expectClose(await apply(x, ...values).data(), unpack(one.y), 1e-5, 'y');
    const [dx, ...gradients] = tf.grads(apply)([x, ...values], matrixOf(one.dy)) as [tf.Tensor, ...tf.Tensor[]];
    expectClose(await dx.data(), unpack(one.dx), 1e-5, 'dx');
    for (const [i, name] of names.entries()) {
      expect(gradients[i]?.shape).toEqual(one.gradients[name]?.shape);
      expectClose(await (gradients[i] as tf.Tensor).data(), unpack(one.gradients[name] as Packed), 1e-5, `d${name}`);
    }
  });

  it.each(methodNames)('gradients through an MLP with %s are those of finite differences', async (candidate) => {
    const weights = tinyWeights(config);
    const recovery = randomRecovery(candidate);
    const x = tf.tensor2d(normals(6 * config.hidden_size, 'x'), [6, config.hidden_size]);
    const loss = () =>
      tf.tidy(() => tf.mean(tf.square(replacedMlp(weights, of(candidate), x, recovery.parameters))) as tf.Scalar);
    const { grads } = tf.variableGrads(loss, [...recovery.parameters.values()]);
    for (const [name, variable] of recovery.parameters) {
      const gradient = await (grads[variable.name] as tf.Tensor).data();
      const values = (await variable.data()).slice() as Float32Array;
      const at = values.length >> 1;
      const step = 1e-2;
      const shifted = async (by: number) => {
        const moved = values.slice();
        moved[at] = (moved[at] as number) + by;
        tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
        return (await loss().data())[0] as number;
      };
      const difference = ((await shifted(step)) - (await shifted(-step))) / (2 * step);
      await shifted(0);
      const scale = Math.max(0.1, Math.abs(difference));
      expect(Math.abs(difference - (gradient[at] as number)) / scale, name).toBeLessThan(2e-2);
    }
  });

  it.each([
    ['g0', 'default'],
    ['g0', 'zero_input_side'],
    ['g0', 'gaussian'],
    ['g3', 'default'],
    ['g1_plus', 'default'],
    ['g2_plus', 'default'],
  ] as [string, Init][])('%s with init %s starts at Direct Sharing, to the bit', async (candidate, init) => {
    const weights = tinyWeights(config);
    const recovery = createRecovery(config, [of(candidate)], { init, seed: 5 });
    const x = tf.tensor2d(normals(6 * config.hidden_size, 'x'), [6, config.hidden_size]);
    const direct = replacedMlp(weights, of(candidate, 0), x);
    expect(await replacedMlp(weights, of(candidate), x, recovery.parameters).data()).toEqual(await direct.data());
  });

  it.each(methodNames)('every factor of %s can be trained from its start on', async (candidate) => {
    const weights = tinyWeights(config);
    const recovery = createRecovery(config, [of(candidate)], { init: 'default', seed: 5 }, weights);
    const x = tf.tensor2d(normals(6 * config.hidden_size, 'x'), [6, config.hidden_size]);
    const loss = () => tf.mean(tf.square(replacedMlp(weights, of(candidate), x, recovery.parameters))) as tf.Scalar;
    const { grads } = tf.variableGrads(loss, [...recovery.parameters.values()]);
    const stuck: string[] = [];
    for (const projection of projections) {
      for (const pair of ['AB', 'CD', 'EF', 'UV']) {
        const found = [...pair].map((name) => recovery.parameters.get(recoveryName(3, projection, name)));
        const sizes = found.map(
          (variable) => variable && (tf.max(tf.abs(grads[variable.name] as tf.Tensor)).dataSync()[0] ?? 0),
        );
        if (found[0] && !sizes.some((size) => (size ?? 0) > 0)) stuck.push(`${projection} ${pair}`);
      }
    }
    expect(stuck).toEqual([]);
  });

  it.each(['g1', 'g2'])('%s starts at the best approximation of its rank', async (candidate) => {
    const weights = tinyWeights(config);
    const recovery = createRecovery(config, [of(candidate, 8)], { init: 'default', seed: 5 }, weights);
    const x = tf.tensor2d(normals(6 * config.hidden_size, 'x'), [6, config.hidden_size]);
    const direct = replacedMlp(weights, of(candidate, 0), x); // rank 8 = d: nothing is lost
    expectClose(await replacedMlp(weights, of(candidate, 8), x, recovery.parameters).data(), await direct.data(), 1e-4);
    const [one, other] = candidate === 'g1' ? (['C', 'D'] as const) : (['E', 'F'] as const);
    const value = (name: string) => recovery.parameters.get(recoveryName(3, 'up', name))?.data();
    expect(await value(one)).toEqual(await value(other));
  });

  it.each(singular)('singular vectors of $matrix.shape, decay $decay, are those of numpy', async (one) => {
    const matrix = matrixOf(one.matrix);
    for (const side of ['left', 'right'] as const) {
      const found = singularVectors(matrix, side, one.rank);
      const expected = matrixOf(one[side]);
      const eye = tf.eye(one.rank);
      expectClose(await tf.matMul(found, found, true).data(), await eye.data(), 1e-5, 'orthonormal');
      // cosines of the angles between each vector and numpy's
      const cosines = tf.abs(tf.matMul(found, expected, true));
      expectClose(await cosines.data(), await eye.data(), 5e-3, side);
      const projected =
        side === 'left'
          ? tf.matMul(found, tf.matMul(found, matrix, true))
          : tf.matMul(tf.matMul(matrix, found), found, false, true);
      const error = (await tf.norm(tf.sub(matrix, projected)).data())[0] as number;
      expect(error / one.best_error).toBeCloseTo(1, 4);
    }
  });
});

describe('singular vectors', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it('are the same in every call and leave no tensors behind', async () => {
    const matrix = tf.tensor2d(normals(60 * 90, 'matrix'), [60, 90]);
    const first = singularVectors(matrix, 'left', 5);
    const before = tf.memory().numTensors;
    const second = singularVectors(matrix, 'left', 5);
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(await second.data()).toEqual(await first.data());
  });

  it('beyond the rank of the matrix are zero', async () => {
    const matrix = tf.matMul(tf.tensor2d(normals(20 * 2, 'a'), [20, 2]), tf.tensor2d(normals(2 * 30, 'b'), [2, 30]));
    const found = singularVectors(matrix as tf.Tensor2D, 'left', 4);
    const norms = Array.from(await tf.norm(found, 2, 0).data());
    expect(norms.slice(0, 2).map((norm) => Math.round(norm * 1e4) / 1e4)).toEqual([1, 1]);
    for (const value of await found.data()) expect(Number.isFinite(value)).toBe(true);
  });

  it('of a rank that the matrix does not have are refused', () => {
    const weights = tinyWeights(config);
    expect(() => createRecovery(config, [of('g1', 9)], { init: 'svd', seed: 1 }, weights)).toThrow(
      "init 'svd' needs a rank of at most 8 for matrices of 12 x 8, got rank 9",
    );
  });
});

describe('forms', () => {
  // methods A.3, of the paper's Table 5, for Llama-2-7b
  it.each([
    ['g0', 400],
    ['g1', 163],
    ['g2', 259],
    ['g3', 200],
    ['g1_plus', 163],
    ['g2_plus', 259],
  ])('%s has the parameters of g0 at rank 400 at rank %i', (candidate, rank) => {
    expect(matchedRank(candidate, 400, 4096, 11008)).toBe(rank);
    const ratio = matrixParameters(candidate, 4096, 11008, rank) / matrixParameters('g0', 4096, 11008, 400);
    expect(Math.abs(ratio - 1)).toBeLessThan(0.005);
  });

  it('a matched rank is at least 1, and Direct Sharing stays without parameters', () => {
    expect(matchedRank('g1', 1, 8, 100)).toBe(1);
    expect(matchedRank('g1', 0, 8, 100)).toBe(0);
  });

  it('an init that a candidate does not have and an unknown candidate are refused', () => {
    expect(initOf('g1', 'default')).toBe('svd');
    expect(() => initOf('g1', 'gaussian')).toThrow(
      "candidate 'g1' has no init 'gaussian', expected 'default' or 'svd'",
    );
    expect(() => initOf('g0', 'svd')).toThrow("candidate 'g0' has no init 'svd', expected 'default' or 'uniform'");
    expect(() => initOf('g9', 'svd')).toThrow("candidate 'g9' is not available, expected 'g0' or 'g1'");
  });
});
