import { describe, expect, test } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32 } from '../../formats/tensors/dtype.ts';
import { widened, widenedCopy } from '../../tensor/widen.ts';

const every = Uint16Array.from({ length: 65_536 }, (_, i) => i);
const bitsOf = (values: Float32Array) => new Uint32Array(values.slice().buffer);

describe('16-bit numbers that are widened', () => {
  test('are the exact float32 numbers of every bfloat16 and float16 bit pattern, NaN payloads and subnormals too', () => {
    expect(bitsOf(widenedCopy({ dtype: 'BF16', bits: every }))).toEqual(bitsOf(bfloat16ToFloat32(every)));
    expect(bitsOf(widenedCopy({ dtype: 'F16', bits: every }))).toEqual(bitsOf(float16ToFloat32(every)));
  });

  test('of any lengths and both types at once do not touch each other', () => {
    const all = [1, 3, 8192, 8195, 20_001].flatMap((length, i) => {
      const bits = every.slice(1000 * i, 1000 * i + length);
      return [{ dtype: 'BF16', bits } as const, { dtype: 'F16', bits } as const];
    });
    const wide = widened([...all, all[0] as (typeof all)[0]]);
    all.forEach(({ dtype, bits }, i) => {
      const expected = dtype === 'F16' ? float16ToFloat32(bits) : bfloat16ToFloat32(bits);
      expect(bitsOf(wide[i] as Float32Array)).toEqual(bitsOf(expected));
    });
    expect(wide.at(-1)).toBe(wide[0]);
  });

  test('of nothing are nothing', () => {
    expect(widened([])).toEqual([]);
    expect(widenedCopy({ dtype: 'F16', bits: new Uint16Array(0) })).toHaveLength(0);
  });
});
