// Basis Sharing against PyTorch: the factors of every matrix, logits, loss and gradients; and what stands alone in counts and files.
import { beforeAll, describe, expect, it } from 'vitest';
import { isProjection, type MatrixRole, matrixRoles, writesHidden } from '../../model/architecture/roles.ts';
import { tensorName } from '../../model/architecture/tensors.ts';
import { makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { forward } from '../../model/forward/forward.ts';
import { languageModelLoss } from '../../model/forward/loss.ts';
import { createModel } from '../../model/forward/model.ts';
import { momentName, secondMoments } from '../../model/measure/second-moments.ts';
import { planQuantization } from '../../model/quantize/plan.ts';
import { basisSize } from '../../model/sharing/basis-size.ts';
import { storedParameters } from '../../model/sharing/ratios.ts';
import { sharedBasis } from '../../model/sharing/shared-basis.ts';
import { ownTensors, tensorSources } from '../../model/sharing/sources.ts';
import { basisReplacements, shareBasis } from '../../stages/share-basis/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, type Packed, unpack } from './fixtures.ts';
import { normals, tinyConfig } from './tiny.ts';

interface Case {
  group: number;
  ratio: number;
  ids: number[][];
  logits: Packed;
  loss: number;
  matrices: {
    layer: number;
    role: MatrixRole;
    rank: number;
    product: Packed;
    basis_gradient?: Packed;
    own_gradient?: Packed;
  }[];
}

const { windows, cases } = fixture<{ windows: number[][]; cases: Case[] }>('basis.json');
const shared = ['q', 'k', 'v', 'gate', 'up'] as const;
const grouping = { group: 2, ratio: 0.3, shared: [...shared], private: ['o' as const, 'down' as const] };
const partOf = (role: MatrixRole) => (isProjection(role) ? 'mlp' : 'self_attn');
const variable = (shape: [number, number], values: Float32Array) => tf.variable(tf.tensor2d(values, shape));

describe('a shared basis', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it.each(cases)('of $group layers at $ratio: products, logits, loss and gradients of PyTorch', async (one) => {
    const { weights, config } = await loadFixture('deep');
    const original = createModel(weights);
    const rows = windows.map((row) => Int32Array.from(row));
    const parameters = new Map<string, tf.Variable>();
    const replacements = [1, 3].flatMap((first) => basisReplacements({ ...grouping, ...one }, config, first));
    for (const first of [1, 3]) {
      const moments = await secondMoments(original, rows, [first, first + 1], 8);
      for (const role of matrixRoles) {
        const groups = (shared as readonly string[]).includes(role) ? [[first, first + 1]] : [[first], [first + 1]];
        for (const layers of groups) {
          const sums = layers.map((layer) => moments.get(momentName(layer, role)) as Float64Array);
          const sum = (sums[0] as Float64Array).map((_, i) =>
            sums.reduce((total, each) => total + (each[i] as number), 0),
          );
          const matrices = await Promise.all(
            layers.map(async (layer) => (await weights.get(tensorName(config, layer, role)).data()) as Float32Array),
          );
          const [output, input] = weights.get(tensorName(config, first, role)).shape as [number, number];
          const size = basisSize(input, output, layers.length, one.ratio);
          const { basis, coefficients } = sharedBasis(matrices, sum, size);
          const path = `${partOf(role)}.${role}`;
          const b = tf.tensor2d(basis, [input, size]);
          for (const [i, layer] of layers.entries()) {
            const c = tf.tensor2d(coefficients[i] as Float32Array, [size, output]);
            const expected = one.matrices.find((each) => each.layer === layer && each.role === role);
            expect(size).toBe(expected?.rank);
            const product = tf.transpose(tf.matMul(b, c));
            expectClose(await product.data(), unpack(expected?.product as Packed), 1e-4, `${role} of layer ${layer}`);
            const [common, own] = [`groups.${layers[0]}.${path}`, `layers.${layer}.${path}`];
            if (writesHidden(role)) parameters.set(`${own}.A`, tf.variable(tf.transpose(c) as tf.Tensor2D));
            else parameters.set(`${own}.B`, variable([size, output], coefficients[i] as Float32Array));
            if (i > 0) continue;
            if (writesHidden(role)) parameters.set(`${common}.B`, tf.variable(tf.transpose(b) as tf.Tensor2D));
            else parameters.set(`${common}.A`, variable([input, size], basis));
          }
        }
      }
    }
    const model = createModel(weights, { replacements, parameters });
    const logits = forward(model, tf.tensor2d(one.ids, undefined, 'int32'));
    expectClose(await logits.data(), unpack(one.logits), 1e-3, 'logits');
    const examples = one.ids.map((ids) => ({ ids: Int32Array.from(ids), labels: Int32Array.from(ids) }));
    const plain = makeBatch(examples, 2, 64);
    const batch = scaleWeights(plain, 1 / plain.count);
    const { value, grads } = tf.variableGrads(() => languageModelLoss(model, batch), [...parameters.values()]);
    expect((await value.data())[0]).toBeCloseTo(one.loss, 3);
    for (const { layer, role, basis_gradient, own_gradient } of one.matrices) {
      if (basis_gradient === undefined || own_gradient === undefined) continue;
      const part = partOf(role);
      const first = (shared as readonly string[]).includes(role) ? 1 : layer;
      const [common, own] = writesHidden(role) ? ['B', 'A'] : ['A', 'B'];
      const at = (name: string) => parameters.get(name) as tf.Variable;
      const [basis, coefficients] = [
        at(`groups.${first}.${part}.${role}.${common}`),
        at(`layers.${layer}.${part}.${role}.${own}`),
      ];
      const outer = (x: tf.Variable, byRows: boolean) =>
        tf.matMul(x as unknown as tf.Tensor2D, grads[x.name] as tf.Tensor2D, !byRows, byRows);
      const [ofBasis, ofOwn] = [outer(basis, !writesHidden(role)), outer(coefficients, writesHidden(role))];
      expectClose(await ofBasis.data(), unpack(basis_gradient), 2e-3, `basis of ${role}`);
      expectClose(await ofOwn.data(), unpack(own_gradient), 2e-3, `coefficients of ${role}`);
    }
    weights.dispose();
  });

  it('is exact where the basis has a vector for each input, also where some inputs are never there', () => {
    const [input, output] = [5, 4];
    const weights = [normals(input * output, 'a'), normals(input * output, 'b')];
    const x = normals(3 * input, 'x'); // three tokens: second moments of rank 3
    const moments = new Float64Array(input * input);
    for (let t = 0; t < 3; t++) {
      for (let i = 0; i < input * input; i++) {
        const [a, b] = [x[t * input + Math.floor(i / input)] as number, x[t * input + (i % input)] as number];
        moments[i] = (moments[i] as number) + a * b;
      }
    }
    const { basis, coefficients } = sharedBasis(weights, moments, input);
    for (const [layer, own] of coefficients.entries()) {
      for (let t = 0; t < 3; t++) {
        for (let o = 0; o < output; o++) {
          let [expected, found] = [0, 0];
          for (let i = 0; i < input; i++) {
            const value = x[t * input + i] as number;
            expected += value * ((weights[layer] as Float32Array)[o * input + i] as number);
            for (let k = 0; k < input; k++)
              found += value * (basis[i * input + k] as number) * (own[k * output + o] as number);
          }
          expect(found).toBeCloseTo(expected, 3);
        }
      }
    }
  });
});

describe('matrices that are not stored', () => {
  const config = tinyConfig({ hidden_size: 16, intermediate_size: 24 });
  const replacements = [1, 3].flatMap((first) => basisReplacements(grouping, config, first));
  const sources = tensorSources(config, replacements);

  it('have no tensor of their own, are not quantised, and are counted as their factors', () => {
    expect(ownTensors(sources).filter((name) => name.includes('proj'))).toEqual([]);
    const settings = {
      scheme: 'rtn',
      bits: 4,
      symmetric: true,
      group_size: 8,
      block_size: 64,
      double_quant: true,
    } as const;
    const plan = planQuantization(config, replacements, {
      ...settings,
      embedding_bits: 32,
      embedding_group_size: 0,
      dtype: 'F32',
    });
    expect(plan.codecs.size).toBe(0);
    expect(plan.absent.size).toBe(4 * 7);
    const numbers = (rank: number, input: number, output: number, layers: number) => rank * (input + layers * output);
    const group = [
      numbers(basisSize(16, 16, 2, 0.3), 16, 16, 2), // q
      2 * numbers(basisSize(16, 8, 2, 0.3), 16, 8, 2), // k, v
      2 * numbers(basisSize(16, 16, 1, 0.3), 16, 16, 1), // o of both layers
      2 * numbers(basisSize(16, 24, 2, 0.3), 16, 24, 2), // gate, up
      2 * numbers(basisSize(24, 16, 1, 0.3), 24, 16, 1), // down of both layers
    ].reduce((a, b) => a + b);
    const rest = 20 * 16 * 2 + 16 + 4 * 2 * 16; // embedding, head, norms
    expect(storedParameters({ config, replacements })).toBe(2 * group + rest);
  });

  it('are refused where a basis would have no vector, save nothing, or have no whole groups', () => {
    expect(() => basisReplacements({ ...grouping, ratio: 0.999 }, config, 1)).toThrow(
      "a ratio as high leaves no vector for the basis of matrix 'q' of 16 x 32, expected a lower 'ratio'",
    );
    const one = { ...grouping, group: 1, ratio: 0.01, shared: [...shared] };
    expect(basisReplacements(one, config, 1).every(({ rank }) => rank < 16)).toBe(true);
    const params = { ...grouping, group: 3, samples: 4, sample_tokens: 8, batch_size: 4, threads: 1 };
    expect(() => shareBasis.units?.(params, { model: { layers: 4 } })).toThrow(
      "'group' must divide the 4 layers of the model, got 3",
    );
    expect(() => shareBasis.check?.({ ...params, private: ['q'] }, new Set())).toThrow(
      "matrix 'q' is in 'shared' and in 'private', expected one of them",
    );
  });
});
