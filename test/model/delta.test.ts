// Method delta, Theta + A B + diagonal, against PyTorch: through every form of matrix, folded, and as the nearest one to a difference.
import { beforeAll, describe, expect, it } from 'vitest';
import { type MatrixRole, writesHidden } from '../../model/architecture/roles.ts';
import { nearestDelta } from '../../model/sharing/relax.ts';
import { applyMatrix, expandMatrix, type ParameterOf, tensorProduct } from '../../model/sharing/tensor-matrix.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import { expectClose, fixture, type Packed, unpack } from './fixtures.ts';

interface DeltaCase {
  role: MatrixRole;
  weight: Packed;
  x: Packed;
  parameters: Record<string, Packed>;
  whole: Packed;
  y: Packed;
  dy: Packed;
  dx: Packed;
  gradients: Record<string, Packed>;
}

interface NearestCase {
  role: MatrixRole;
  rank: number;
  difference: Packed;
  found: Packed;
  errors: number[];
}

const tolerance = 1e-5;
const { cases, nearest } = fixture<{ cases: DeltaCase[]; nearest: NearestCase[] }>('delta.json');
const tensorOf = (packed: Packed) => tf.tensor(unpack(packed), packed.shape, 'float32');
const matrixOf = (packed: Packed) => tf.tensor2d(unpack(packed), packed.shape as [number, number]);
const named = cases.map((one) => [`${one.role} of ${one.weight.shape.join(' x ')}`, one] as const);

describe.each(['cpu', 'onnx'] as const)('delta on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each(named)('%s is its explicit matrix, gradients included (PyTorch)', async (_, one) => {
    const names = Object.keys(one.parameters);
    const values = names.map((name) => tensorOf(one.parameters[name] as Packed));
    const weight = matrixOf(one.weight);
    const product = tensorProduct(() => weight);
    const apply = (x: tf.Tensor, ...given: tf.Tensor[]) => {
      const parameter: ParameterOf = (name) => given[names.indexOf(name)] as tf.Tensor;
      return applyMatrix('delta', one.role, x as tf.Tensor2D, product, parameter);
    };
    const x = matrixOf(one.x);
    expectClose(await apply(x, ...values).data(), unpack(one.y), tolerance, 'y');
    const [dx, ...gradients] = tf.grads(apply)([x, ...values], matrixOf(one.dy)) as [tf.Tensor, ...tf.Tensor[]];
    expectClose(await dx.data(), unpack(one.dx), tolerance, 'dx');
    for (const [i, name] of names.entries()) {
      expect(gradients[i]?.shape).toEqual(one.gradients[name]?.shape);
      const gradient = await (gradients[i] as tf.Tensor).data();
      expectClose(gradient, unpack(one.gradients[name] as Packed), tolerance, `d${name}`);
    }
    const whole = expandMatrix('delta', one.role, weight, (name) => values[names.indexOf(name)] as tf.Tensor);
    expect(whole.shape).toEqual(one.whole.shape);
    expectClose(await whole.data(), unpack(one.whole), tolerance, 'whole');
  });

  it.each(nearest)('the nearest to a difference of $role is that of numpy, and nearer with each round', async (one) => {
    const difference = matrixOf(one.difference);
    const found = nearestDelta(difference, one.role, one.rank, createRandom('a'));
    const [d, f] = writesHidden(one.role) ? difference.shape : [difference.shape[1], difference.shape[0]];
    const parameters = new Map<string, tf.Tensor>([
      ['A', tf.tensor2d(found.A, [d, one.rank])],
      ['B', tf.tensor2d(found.B, [one.rank, f])],
      ['c', tf.tensor1d(found.c)],
    ]);
    const zeros = tf.zerosLike(difference);
    const whole = expandMatrix('delta', one.role, zeros, (name) => parameters.get(name) as tf.Tensor);
    expectClose(await whole.data(), unpack(one.found), tolerance, 'A B + diagonal');
    const error = tf.norm(tf.sub(difference, whole)).dataSync()[0] as number;
    expect(error).toBeCloseTo(one.errors.at(-1) as number, 4);
    expect(one.errors).toEqual(one.errors.toSorted((a, b) => b - a));
  });
});
