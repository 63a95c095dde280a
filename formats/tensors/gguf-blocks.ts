// The element types of GGUF tensors: float, and blocks of 32 numbers with one scale (ggml's Q8_0 and Q4_0).
import { float32ToFloat16, fromFloat32 } from './dtype.ts';

/** Element types that are written, spelled as in ggml. */
export const ggufTypes = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0'] as const;
export type GgufType = (typeof ggufTypes)[number];

interface Layout {
  /** ggml's number of the type. */
  readonly id: number;
  /** Numbers of a block; a row is a whole number of blocks. */
  readonly block: number;
  readonly blockBytes: number;
}

const layouts: Record<GgufType, Layout> = {
  F32: { id: 0, block: 1, blockBytes: 4 },
  F16: { id: 1, block: 1, blockBytes: 2 },
  BF16: { id: 30, block: 1, blockBytes: 2 },
  Q8_0: { id: 8, block: 32, blockBytes: 34 },
  Q4_0: { id: 2, block: 32, blockBytes: 18 },
};

/** ggml's number of `type`. */
export function ggufTypeId(type: GgufType): number {
  return layouts[type].id;
}

/** True for types with one scale for several numbers, which hold no infinity and no NaN. */
export function isBlocked(type: GgufType): boolean {
  return layouts[type].block > 1;
}

/** Bytes of a tensor; undefined when its rows (the last dimension) are no whole number of blocks. */
export function ggufBytes(type: GgufType, shape: readonly number[]): number | undefined {
  const { block, blockBytes } = layouts[type];
  const size = shape.reduce((a, b) => a * b, 1);
  return (shape.at(-1) ?? 1) % block === 0 ? (size / block) * blockBytes : undefined;
}

/** float32 values, whole rows, as the bytes of `type`. */
export function encodeGguf(type: GgufType, values: Float32Array): Uint8Array {
  if (type === 'Q8_0') return encodeBlocks(values, layouts.Q8_0, encodeQ8);
  if (type === 'Q4_0') return encodeBlocks(values, layouts.Q4_0, encodeQ4);
  return fromFloat32(type, values);
}

/** Writes the numbers of one block behind its scale and returns the scale as float32. */
type BlockEncoder = (block: Float32Array, out: Uint8Array) => number;

function encodeBlocks(values: Float32Array, { block, blockBytes }: Layout, encode: BlockEncoder): Uint8Array {
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
