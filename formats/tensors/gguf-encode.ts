// Numbers as the bytes of GGUF tensors: floats, and blocks of 32 with one scale (ggml's Q8_0 and Q4_0).
import { float32ToFloat16, fromFloat32 } from './dtype.ts';
import { type GgufType, ggufBlock } from './gguf-types.ts';

/** float32 values, whole rows, as the bytes of `type`. */
export function encodeGguf(type: GgufType, values: Float32Array): Uint8Array {
  if (type === 'Q8_0') return encodeBlocks(values, type, encodeQ8);
  if (type === 'Q4_0') return encodeBlocks(values, type, encodeQ4);
  return fromFloat32(type, values);
}

/** Writes the numbers of one block behind its scale and returns the scale as float32. */
type BlockEncoder = (block: Float32Array, out: Uint8Array) => number;

function encodeBlocks(values: Float32Array, type: GgufType, encode: BlockEncoder): Uint8Array {
  const { block, blockBytes } = ggufBlock(type);
  const blocks = values.length / block;
  const bytes = new Uint8Array(blocks * blockBytes);
  const scales = new Float32Array(blocks);
  for (let i = 0; i < blocks; i++) {
    const out = bytes.subarray(i * blockBytes + 2, (i + 1) * blockBytes);
    scales[i] = encode(values.subarray(i * block, (i + 1) * block), out);
  }
  const view = new DataView(bytes.buffer);
  float32ToFloat16(scales).forEach((half, i) => {
    view.setUint16(i * blockBytes, half, true);
  });
  return bytes;
}

/** Q8_0: scale max|x| / 127, numbers rounded half away from zero; the reference code divides by the float32 scale, so do we. */
function encodeQ8(block: Float32Array, out: Uint8Array): number {
  let largest = 0;
  for (const x of block) largest = Math.max(largest, Math.abs(x));
  const scale = Math.fround(largest / 127);
  const inverse = inverseOf(scale);
  for (let i = 0; i < block.length; i++) {
    const scaled = Math.fround((block[i] as number) * inverse);
    const whole = Math.floor(Math.abs(scaled));
    const rounded = whole + Math.floor(2 * (Math.abs(scaled) - whole));
    out[i] = scaled < 0 ? -rounded : rounded;
  }
  return scale;
}

/** Q4_0: scale e / -8 with e the number of largest magnitude; the first half of the block in the low halves of the bytes. */
function encodeQ4(block: Float32Array, out: Uint8Array): number {
  let extreme = block[0] as number;
  for (const x of block) if (Math.abs(x) > Math.abs(extreme)) extreme = x;
  const scale = Math.fround(extreme / -8);
  const inverse = inverseOf(scale);
  const code = (i: number) => {
    const scaled = Math.fround((block[i] as number) * inverse);
    return Math.min(15, Math.trunc(Math.fround(scaled + 8.5)));
  };
  for (let i = 0; i < 16; i++) out[i] = code(i) | (code(i + 16) << 4);
  return scale;
}

function inverseOf(scale: number): number {
  return scale === 0 ? 0 : Math.fround(1 / scale);
}
