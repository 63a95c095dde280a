// The numbers of GGUF tensors from their bytes, bit for bit as gguf's own `dequantize` gives them: every product and sum rounded to float32.
import { float16ToFloat32, toFloat32 } from './dtype.ts';
import { type DecodeBlock, decodeQ2K, decodeQ3K, decodeQ4K, decodeQ5K, decodeQ6K, halfAt } from './gguf-decode-k.ts';
import { type GgufStoredType, ggufBlock, isBlocked } from './gguf-types.ts';

/** Whole blocks of `type` as float32. */
export function decodeGguf(type: GgufStoredType, bytes: Uint8Array): Float32Array {
  if (!isBlocked(type)) return toFloat32('', type as 'F32' | 'F16' | 'BF16', bytes);
  const out = new Float32Array((bytes.byteLength / ggufBlock(type).blockBytes) * ggufBlock(type).block);
  decodeBlocks(type, bytes, out, 0);
  return out;
}

/** Whole blocks of a quantised `type` into `out` from place `to` on. */
export function decodeBlocks(type: GgufStoredType, bytes: Uint8Array, out: Float32Array, to: number): void {
  const { block, blockBytes } = ggufBlock(type);
  const decode = decoders[type];
  if (decode === undefined) throw new Error(`${type} has no blocks`);
  const scales = halves();
  for (let at = 0, next = to; at < bytes.byteLength; at += blockBytes, next += block) {
    decode(bytes, at, out, next, scales);
  }
}

const decoders: Partial<Record<GgufStoredType, DecodeBlock>> = {
  Q4_0: (bytes, at, out, to, half) => {
    const scale = halfAt(bytes, at, half);
    for (let i = 0; i < 32; i++) out[to + i] = scale * (nibble(bytes, at + 2, i) - 8);
  },
  Q4_1: (bytes, at, out, to, half) => {
    const [scale, least] = [halfAt(bytes, at, half), halfAt(bytes, at + 2, half)];
    for (let i = 0; i < 32; i++) out[to + i] = Math.fround(scale * nibble(bytes, at + 4, i)) + least;
  },
  Q5_0: (bytes, at, out, to, half) => {
    const scale = halfAt(bytes, at, half);
    for (let i = 0; i < 32; i++) out[to + i] = scale * ((nibble(bytes, at + 6, i) | fifth(bytes, at + 2, i)) - 16);
  },
  Q5_1: (bytes, at, out, to, half) => {
    const [scale, least] = [halfAt(bytes, at, half), halfAt(bytes, at + 2, half)];
    for (let i = 0; i < 32; i++) {
      out[to + i] = Math.fround(scale * (nibble(bytes, at + 8, i) | fifth(bytes, at + 4, i))) + least;
    }
  },
  Q8_0: (bytes, at, out, to, half) => {
    const scale = halfAt(bytes, at, half);
    for (let i = 0; i < 32; i++) out[to + i] = scale * (((bytes[at + 2 + i] as number) << 24) >> 24);
  },
  IQ4_NL: (bytes, at, out, to, half) => {
    const scale = halfAt(bytes, at, half);
    for (let i = 0; i < 32; i++) out[to + i] = scale * (iq4Levels[nibble(bytes, at + 2, i)] as number);
  },
  Q2_K: decodeQ2K,
  Q3_K: decodeQ3K,
  Q4_K: decodeQ4K,
  Q5_K: decodeQ5K,
  Q6_K: decodeQ6K,
};

/** The 16 levels of IQ4_NL. */
const iq4Levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** Number `i` of 32 that lie in 16 bytes from `at` on: the first half of them in the low halves of the bytes. */
function nibble(bytes: Uint8Array, at: number, i: number): number {
  return ((bytes[at + (i & 15)] as number) >> (i & 16 ? 4 : 0)) & 15;
}

/** Bit `i` of the 32 from `at` on, as the fifth bit of a number. */
function fifth(bytes: Uint8Array, at: number, i: number): number {
  return (((bytes[at + (i >> 3)] as number) >> (i & 7)) & 1) << 4;
}

/** The value of each bit pattern of float16; made on first use. */
let halfValues: Float32Array | undefined;

function halves(): Float32Array {
  halfValues ??= float16ToFloat32(Uint16Array.from({ length: 65536 }, (_, bits) => bits));
  return halfValues;
}
