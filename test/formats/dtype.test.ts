// Conversions between float32 and the short floats, against numpy, torch and the definition of float16.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bfloat16ToFloat32,
  encodeFloats,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  fromFloat32,
  tensorBytes,
  toFloat32,
} from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import { fixture } from './files.ts';

const ALL_HALVES = Uint16Array.from({ length: 65536 }, (_, i) => i);
const isNanHalf = (half: number) => (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;

/** The value of a float16 by IEEE 754: (-1)^s 2^(e-15) (1 + m/1024), and 2^-24 m for subnormals. */
function halfValue(half: number): number {
  const [sign, exponent, mantissa] = [half & 0x8000 ? -1 : 1, (half >> 10) & 31, half & 1023];
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * 2 ** (exponent - 15) * (1 + mantissa / 1024);
}

describe('float16', () => {
  test('every bit pattern widens to the value IEEE 754 gives it', () => {
    expect([...float16ToFloat32(ALL_HALVES)]).toEqual([...ALL_HALVES].map(halfValue));
  });

  test('every bit pattern survives a round trip, signalling NaNs become quiet', () => {
    const back = float32ToFloat16(float16ToFloat32(ALL_HALVES));
    expect([...back]).toEqual([...ALL_HALVES].map((half) => (isNanHalf(half) ? half | 0x200 : half)));
  });
});

describe('bfloat16', () => {
  test('every bit pattern survives a round trip, signalling NaNs become quiet', () => {
    const back = float32ToBfloat16(bfloat16ToFloat32(ALL_HALVES));
    const isNan = (bits: number) => (bits & 0x7fff) > 0x7f80;
    expect([...back]).toEqual([...ALL_HALVES].map((bits) => (isNan(bits) ? bits | 0x40 : bits)));
  });
});

describe('rounding', () => {
  // Three rows of uint32: float32 bits, numpy's float16 bits, torch's bfloat16 bits (fixtures/make.py).
  const table = new Uint32Array(new Uint8Array(readFileSync(fixture('rounding.bin'))).buffer);
  const n = table.length / 3;
  const values = new Float32Array(table.slice(0, n).buffer);

  test('float32 to float16 equals numpy', () => {
    expect([...float32ToFloat16(values)]).toEqual([...table.slice(n, 2 * n)]);
  });

  test('float32 to bfloat16 equals torch', () => {
    expect([...float32ToBfloat16(values)]).toEqual([...table.slice(2 * n)]);
  });

  test.each([
    // Ties go to the even neighbour; the bounds of the range (IEEE 754 binary16).
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [65519, 0x7bff],
    [65520, 0x7c00],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.5, 0x0001],
    [2 ** -24 * 1.5, 0x0002],
    [-(2 ** -14), 0x8400],
  ])('float16 of %d', (value, bits) => {
    expect(float32ToFloat16(Float32Array.of(value))[0]).toBe(bits);
  });
});

describe('bytes', () => {
  test('F32 survives a round trip at any alignment', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true }), fc.nat(7), (values, shift) => {
        const bytes = new Uint8Array(values.byteLength + shift);
        bytes.set(fromFloat32('F32', values), shift);
        expect(toFloat32('x', 'F32', bytes.subarray(shift))).toEqual(values);
      }),
    );
  });

  test('an integer tensor is not read as floats', () => {
    const sentence = "tensor 'ids': expected an element type of F32, F16, BF16 or F64, got I64";
    expect(() => toFloat32('ids', 'I64', new Uint8Array(8))).toThrow(new UserError(sentence));
  });

  test('a shape whose size overflows has no size', () => {
    expect(tensorBytes('F32', [2 ** 40, 2 ** 40])).toBeUndefined();
    expect(tensorBytes('F32', [-1])).toBeUndefined();
    expect(tensorBytes('F32', [2 ** 40, 2 ** 40, 0])).toBe(0);
    expect(tensorBytes('BF16', [])).toBe(2);
  });
});

test('a tensor with a number that float16 cannot hold is refused by its name', () => {
  const edge = Float32Array.of(65519, -65504, Number.POSITIVE_INFINITY); // 65520 is the first that rounds to infinity
  expect(encodeFloats('w', 'F16', edge)).toEqual(fromFloat32('F16', edge));
  expect(() => encodeFloats('w', 'F16', Float32Array.of(1, -65520))).toThrow(
    "tensor 'w' holds -65520, expected at most 65504 for float16: take BF16 or F32",
  );
  expect(encodeFloats('w', 'BF16', Float32Array.of(65520))).toHaveLength(2);
});
