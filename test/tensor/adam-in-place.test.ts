// Adam in place: what the graph's kernel computes, to the bit, whatever the length.
import { beforeAll, describe, expect, it } from 'vitest';
import { adamStep } from '../../tensor/adam.ts';
import { adamInPlace, createAdamMemory } from '../../tensor/adam-in-place.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

const betas = { beta1: 0.9, beta2: 0.999 };

describe('Adam in place', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it.each([
    [1, {}],
    [8193, { keep: 0.99 }],
    [20_003, { clip: 0.37, keep: 0.999 }],
  ] as const)('%i numbers with %j are those of adamStep', (length, more) => {
    const random = createRandom('adam in place', length);
    const values = (name: string) =>
      Float32Array.from({ length }, () => (name === 'second' ? random.normal() ** 2 : random.normal()));
    const arrays = Object.fromEntries(
      ['variable', 'first', 'second', 'gradient'].map((name) => [name, values(name)]),
    ) as Record<'variable' | 'first' | 'second' | 'gradient', Float32Array>;
    const expected = tf.tidy(() => {
      const tensors = Object.fromEntries(Object.entries(arrays).map(([name, x]) => [name, tf.tensor1d(x)]));
      const factors = { rate: 1e-3, eps: 1e-8, ...more };
      const scalars = Object.fromEntries(Object.entries(factors).map(([name, x]) => [name, tf.scalar(x)]));
      return adamStep(tensors as never, scalars as never, betas).map((tensor) => tensor.dataSync().slice());
    });
    const gradient = arrays.gradient.slice();
    const memory = createAdamMemory([length, length, length]);
    const held = (values: Float32Array) => {
      const array = memory.array(values.length);
      array.set(values);
      return array;
    };
    const [variable, first, second] = [held(arrays.variable), held(arrays.first), held(arrays.second)];
    const outside = arrays.second.slice();
    const numbers = { ...betas, rate: 1e-3, eps: 1e-8, ...more };
    adamInPlace({ variable, first, second, gradient }, numbers);
    expect([variable, first, second]).toEqual(expected);
    adamInPlace({ variable: held(arrays.variable), first: held(arrays.first), second: outside, gradient }, numbers);
    expect(outside).toEqual(expected[2]);
    adamInPlace(arrays, numbers);
    expect([arrays.variable, arrays.first, arrays.second]).toEqual(expected);
    expect(arrays.gradient).toEqual(gradient);
  });

  it('an array that was not counted on has a memory of its own', () => {
    const memory = createAdamMemory([5, 7]);
    const [first, second, more] = [memory.array(5), memory.array(7), memory.array(2 ** 20)];
    expect(second.buffer).toBe(first.buffer);
    expect(more.buffer).not.toBe(first.buffer);
    expect([first.length, second.length, more.length, more.at(-1)]).toEqual([5, 7, 2 ** 20, 0]);
  });
});
