import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { packNibbles } from '../../model/codec/nibbles.ts';
import { quantizePlain } from '../../model/codec/plain.ts';
import { decode, packInteger, packNf4, partShapes, unpackInteger } from '../../model/codec/quantize-codec.ts';
import { dequantizeInteger, quantizeInteger, roundHalfEven } from '../../model/codec/quantize-integer.ts';
import { dynamicMap, nestMagnitudes, nf4Codebook, quantizeNf4 } from '../../model/codec/quantize-nf4.ts';
import { roundTokens } from '../../model/forward/int8-tokens.ts';
import { type GptqSettings, quantizeGptq } from '../../model/quantize/gptq.ts';
import { inverseFactor } from '../../model/quantize/inverse-factor.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

// Expected values: test/fixtures/quantize/make.py, from torchao, bitsandbytes (versions in each file) and GPTQ in numpy.
interface Packed {
  dtype: string;
  shape: number[];
  data: string;
}
const types: Record<string, new (buffer: ArrayBuffer) => ArrayLike<number>> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
};
function values<T extends ArrayLike<number>>({ dtype, data }: Packed): T {
  const bytes = Buffer.from(data, 'base64');
  return new (types[dtype] as new (buffer: ArrayBuffer) => T)(new Uint8Array(bytes).buffer);
}
const fixture = <T>(name: string): T => JSON.parse(readFileSync(`test/fixtures/quantize/${name}.json`, 'utf8')) as T;
const size = ({ shape }: Packed) => shape as [number, number];

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('8da4w against torchao', () => {
  interface Case {
    bits: 4 | 8;
    group_size: number;
    weight: Packed;
    codes: Packed;
    scales: Packed;
    values: Packed;
  }
  const { weights, tokens } = fixture<{ weights: Case[]; tokens: Record<string, Packed>[] }>('8da4w');

  it.each(weights)('weights of $bits bits in groups of $group_size: equal codes, scales and values', (expected) => {
    const { bits, group_size, weight } = expected;
    const [rows, columns] = size(weight);
    const settings = { bits, group_size, symmetric: true, arithmetic: 'torchao' } as const;
    const matrix = quantizeInteger(values(weight), rows, columns, settings);
    const offset = 2 ** (bits - 1);
    expect(Array.from(matrix.codes, (code) => code - offset)).toEqual(Array.from(values(expected.codes)));
    expect(matrix.scales).toEqual(values(expected.scales));
    expect(plain(dequantizeInteger(matrix, rows, columns, group_size))).toEqual(plain(values(expected.values)));
  });

  it.each(tokens)('activations, token by token: equal values', async (expected) => {
    const x = expected.x as Packed;
    const rounded = tf.tidy(() => roundTokens(tf.tensor2d(values<Float32Array>(x), size(x))));
    const found = (await rounded.data()) as Float32Array;
    expect(plain(found)).toEqual(plain(values(expected.values as Packed)));
    rounded.dispose();
  });

  it('rounded activations have no gradient, and say so', () => {
    const loss = (x: tf.Tensor) => tf.sum(roundTokens(x as tf.Tensor2D)) as tf.Scalar;
    expect(() => tf.grad(loss)(tf.tensor2d([1, 2], [1, 2]))).toThrow('it can be measured but not trained');
  });
});

describe('NF4 against bitsandbytes', () => {
  interface Case {
    block_size: number;
    weight: Packed;
    codes: Packed;
    absmax: Packed;
    values: Packed;
    nested: { absmax: Packed; nested_absmax: Packed; offset: number; values: Packed };
  }
  const { codebook, dynamic_map, cases } = fixture<{ codebook: Packed; dynamic_map: Packed; cases: Case[] }>('nf4');

  it('has its two codebooks to the bit', () => {
    expect(nf4Codebook).toEqual(values(codebook));
    expect(plain(dynamicMap)).toEqual(plain(values(dynamic_map)));
  });

  it.each(cases)('blocks of $block_size: equal bytes, magnitudes and values', ({ block_size, weight, ...expected }) => {
    const codec = { type: 'nf4', block_size, nested: false } as const;
    const matrix = quantizeNf4(values(weight), block_size);
    const parts = packNf4(codec, matrix);
    expect(parts.get('codes')).toEqual(values(expected.codes));
    expect(matrix.absmax).toEqual(values(expected.absmax));
    expect(plain(decode(codec, weight.shape, parts))).toEqual(plain(values(expected.values)));
  });

  it.each(cases)('blocks of $block_size, magnitudes quantised too', ({ block_size, weight, nested }) => {
    const matrix = quantizeNf4(values(weight), block_size);
    const found = nestMagnitudes(matrix.absmax);
    expect(found.codes).toEqual(values(nested.absmax));
    // the mean is a sum in another order
    expect(found.offset / nested.offset).toBeCloseTo(1, 6);
    const codec = { type: 'nf4', block_size, nested: true } as const;
    const back = decode(codec, weight.shape, packNf4(codec, matrix));
    const expected = values<Float32Array>(nested.values);
    const worst = Math.max(...back.map((value, i) => Math.abs(value - (expected[i] as number))));
    expect(worst).toBeLessThan(1e-6 * Math.max(...expected.map(Math.abs)));
  });
});

describe("GPTQ's quantiser and GPTQ against numpy", () => {
  interface Setting {
    bits: 4 | 8;
    symmetric: boolean;
    group: number;
    weight: Packed;
    codes: Packed;
    scales: Packed;
    zeros: Packed;
  }
  interface Case extends Setting {
    block: number;
    act_order: boolean;
    damping: number;
  }
  const { rounding, gptq } = fixture<{ rounding: Setting[]; gptq: { hessian: Packed; cases: Case[] } }>('gptq');
  const settingsOf = ({ block, group, ...rest }: Case): GptqSettings => ({
    ...rest,
    block_columns: block,
    group_size: group,
  });

  it.each(rounding)('rounds to nearest: $bits bits, symmetric $symmetric, group $group', (expected) => {
    const { bits, symmetric, group, weight } = expected;
    const [rows, columns] = size(weight);
    const matrix = quantizeInteger(values(weight), rows, columns, { bits, symmetric, group_size: group });
    const back = dequantizeInteger(matrix, rows, columns, group);
    const reference = {
      codes: values<Uint8Array>(expected.codes),
      scales: values<Float32Array>(expected.scales),
      zeros: values<Uint8Array>(expected.zeros),
    };
    expect(plain(back)).toEqual(plain(dequantizeInteger(reference, rows, columns, group)));
  });

  it.each(gptq.cases)(
    'rounds with feedback: $bits bits, symmetric $symmetric, group $group, blocks of $block, act-order $act_order',
    (expected) => {
      const [rows, columns] = size(expected.weight);
      const hessian = values<Float64Array>(gptq.hessian);
      const matrix = quantizeGptq(values(expected.weight), rows, columns, hessian, settingsOf(expected), 'w');
      expect(matrix.codes).toEqual(values(expected.codes));
      expect(matrix.zeros).toEqual(values(expected.zeros));
      const scales = values<Float32Array>(expected.scales);
      const worst = Math.max(...matrix.scales.map((scale, i) => Math.abs(scale / (scales[i] as number) - 1)));
      expect(worst).toBeLessThan(1e-6);
    },
  );

  it('a diagonal Hessian gives rounding to nearest', () => {
    const weight = values<Float32Array>((gptq.cases[0] as Case).weight);
    const hessian = new Float64Array(96 * 96);
    for (let i = 0; i < 96; i++) hessian[i * 97] = 1 + i;
    const settings = { bits: 4, symmetric: false, group_size: 32 } as const;
    const more = { damping: 0.01, block_columns: 128, act_order: false };
    const matrix = quantizeGptq(weight, 24, 96, hessian, { ...settings, ...more }, 'w');
    expect(matrix).toEqual(quantizeInteger(weight, 24, 96, settings));
  });

  it('two inputs that go together: the second weight takes up the error of the first', () => {
    // |w| <= 1 gives steps of 2/15, so 0.55 is 4.125 steps and rounds to 4. Of the error of 0.125 steps the second weight takes
    // H12/H22 = 0.9/0.27 = 3.33 parts (arXiv 2210.17323, equation 2): 4.125 + 0.417 = 4.54 rounds to 5
    const settings = { bits: 4, symmetric: true, group_size: 0, block_columns: 128, act_order: false } as const;
    const round = (h12: number, h22: number) => {
      const hessian = Float64Array.of(1, 0, 0, 0, 4, h12, 0, h12, h22);
      const more = { ...settings, damping: 1e-9 };
      const matrix = quantizeGptq(Float32Array.of(1, 0.55, 0.55), 1, 3, hessian, more, 'w');
      return Array.from(matrix.codes, (code) => code - 8);
    };
    expect(round(0.9, 0.27)).toEqual([7, 4, 5]);
    expect(round(0, 0.27)).toEqual([7, 4, 4]);
  });

  it('U^T U is the inverse', () => {
    const u = inverseFactor(Float64Array.of(4, 2, 0.6, 2, 5, 1.5, 0.6, 1.5, 3), 3, 'w');
    const h = [4, 2, 0.6, 2, 5, 1.5, 0.6, 1.5, 3];
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        let sum = 0; // (U^T U H)_ij, U upper triangular
        for (let k = 0; k < 3; k++) {
          for (let m = 0; m <= Math.min(i, k); m++) {
            sum += (u[m * 3 + i] as number) * (u[m * 3 + k] as number) * (h[k * 3 + j] as number);
          }
        }
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 12);
      }
    }
  });

  it('a matrix that is not positive definite is named', () => {
    expect(() => inverseFactor(Float64Array.of(1, 2, 2, 1), 2, 'q')).toThrow("inputs of 'q' are not positive definite");
  });
});

describe('packing', () => {
  const random = createRandom('packing', 1);
  const shape = [5, 37];
  const matrix = Float32Array.from({ length: 5 * 37 }, () => random.normal());

  it.each([
    { bits: 4, symmetric: true, group_size: 8, order: 'even_low' },
    { bits: 4, symmetric: false, group_size: 16, order: 'even_high' },
    { bits: 8, symmetric: false, group_size: 0, order: 'even_low' },
  ] as const)(
    'of $bits bits, symmetric $symmetric, $order: gives back what went in, in the announced sizes',
    (grid) => {
      const codec = { type: 'integer', ...grid } as const;
      const packed = quantizeInteger(matrix, 5, 37, codec);
      const parts = packInteger(codec, shape, packed);
      expect(unpackInteger(codec, shape, parts)).toEqual(packed);
      const sizes = [...partShapes(codec, shape)].map(([name, { dtype, shape }]) => [
        name,
        shape.reduce((a, b) => a * b, dtype === 'F32' ? 4 : 1),
      ]);
      expect([...parts].map(([name, bytes]) => [name, bytes.byteLength])).toEqual(sizes);
    },
  );

  it('puts the even code into the low or the high half', () => {
    expect(packNibbles(Uint8Array.of(1, 2, 3), 1, 3, 'even_low')).toEqual(Uint8Array.of(0x21, 0x03));
    expect(packNibbles(Uint8Array.of(1, 2, 3), 1, 3, 'even_high')).toEqual(Uint8Array.of(0x12, 0x30));
  });

  it('weights that are no numbers are refused', () => {
    const codec = { type: 'nf4', block_size: 64, nested: true } as const;
    const weights = Float32Array.of(1, Number.NaN);
    expect(() => quantizePlain('w', codec, [1, 2], weights)).toThrow("tensor 'w' holds NaN, expected finite numbers");
  });
});

it('rounds halves to the even number', () => {
  expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49, -0.51].map(roundHalfEven).map((x) => x + 0)).toEqual([
    -2, -2, 0, 0, 2, 2, 0, -1,
  ]);
});

/** -0 as 0. */
function plain(array: ArrayLike<number>): number[] {
  return Array.from(array, (value) => value + 0);
}
