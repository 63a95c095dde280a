// The numbers of GGUF's element types, bit for bit as gguf's own `dequantize` (test/fixtures/gguf/make_blocks.py).
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decodeGguf } from '../../formats/tensors/gguf-decode.ts';
import { encodeGguf } from '../../formats/tensors/gguf-encode.ts';
import {
  type GgufStoredType,
  ggufBlock,
  ggufStoredTypes,
  ggufTypeId,
  ggufTypeOf,
} from '../../formats/tensors/gguf-types.ts';

const { types } = JSON.parse(readFileSync(new URL('../fixtures/gguf/blocks.json', import.meta.url), 'utf8')) as {
  types: Record<GgufStoredType, { bytes: string; values: string }>;
};
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));

it('has a fixture for every type that is read', () => {
  expect(Object.keys(types).sort()).toEqual([...ggufStoredTypes].sort());
  for (const type of ggufStoredTypes) expect(ggufTypeOf(ggufTypeId(type))).toBe(type);
});

it.each(ggufStoredTypes)('%s', (type) => {
  const { bytes, values } = types[type];
  const found = decodeGguf(type, bytesOf(bytes));
  expect(Buffer.from(found.buffer).toString('base64')).toBe(values);
});

it.each(['Q8_0', 'Q4_0'] as const)('%s: what is written is read, within half a step of the block', (type) => {
  const values = Float32Array.from({ length: 320 }, (_, i) => Math.sin(i * 1.7) * (1 + (i >> 5)));
  const found = decodeGguf(type, encodeGguf(type, values));
  const steps = type === 'Q8_0' ? 127 : 8;
  const { block } = ggufBlock(type);
  found.forEach((value, i) => {
    const first = i - (i % block);
    const largest = Math.max(...values.subarray(first, first + block).map(Math.abs));
    // a step and a scale that is rounded to float16; Q4_0 has one level less on one side
    expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual(
      (largest / steps) * (type === 'Q8_0' ? 0.57 : 1.01),
    );
  });
});
