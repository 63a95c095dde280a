// ggml's K-quants: 256 numbers to a block, whose 16 or 8 groups have scales that are themselves in few bits.

/** Writes the numbers of the block at `at` into `out` from `to` on; `half` is the value of each float16. */
export type DecodeBlock = (bytes: Uint8Array, at: number, out: Float32Array, to: number, half: Float32Array) => void;

const size = 256;

/** The float16 at `at`. */
export function halfAt(bytes: Uint8Array, at: number, half: Float32Array): number {
  return half[(bytes[at] as number) | ((bytes[at + 1] as number) << 8)] as number;
}

/** Scales and minima of 16 groups in a byte each [16], 2-bit numbers [64], their scale and that of the minima. */
export const decodeQ2K: DecodeBlock = (bytes, at, out, to, half) => {
  const [scale, least] = [halfAt(bytes, at + 80, half), halfAt(bytes, at + 82, half)];
  for (let v = 0; v < size; v++) {
    const packed = bytes[at + (v >> 4)] as number;
    const [d, m] = [Math.fround(scale * (packed & 15)), Math.fround(least * (packed >> 4))];
    out[to + v] = Math.fround(d * twoBits(bytes, at + 16, v)) - m;
  }
};

/** High bits, set where nothing is subtracted [32], 2-bit numbers [64], 6-bit scales of 16 groups [12], their scale. */
export const decodeQ3K: DecodeBlock = (bytes, at, out, to, half) => {
  const scale = halfAt(bytes, at + 108, half);
  for (let v = 0; v < size; v++) {
    const group = v >> 4;
    const low = ((bytes[at + 96 + (group & 7)] as number) >> (group & 8 ? 4 : 0)) & 15;
    const high = ((bytes[at + 104 + (group & 3)] as number) >> (2 * (group >> 2))) & 3;
    const isHigh = ((bytes[at + (v & 31)] as number) >> (v >> 5)) & 1;
    out[to + v] = Math.fround(scale * ((low | (high << 4)) - 32)) * (twoBits(bytes, at + 32, v) - (isHigh ? 0 : 4));
  }
};

/** Scale, scale of the minima, both of 8 groups in 6 bits [12], 4-bit numbers [128]. */
export const decodeQ4K: DecodeBlock = (bytes, at, out, to, half) => {
  for (let group = 0; group < 8; group++) {
    const [d, m] = scaleAndLeast(bytes, at, group, half);
    for (let j = 0; j < 32; j++) {
      out[to + 32 * group + j] = Math.fround(d * fourBits(bytes, at + 16, group, j)) - m;
    }
  }
};

/** As Q4_K, with the fifth bits [32] before the numbers. */
export const decodeQ5K: DecodeBlock = (bytes, at, out, to, half) => {
  for (let group = 0; group < 8; group++) {
    const [d, m] = scaleAndLeast(bytes, at, group, half);
    for (let j = 0; j < 32; j++) {
      const fifth = (((bytes[at + 16 + j] as number) >> group) & 1) << 4;
      out[to + 32 * group + j] = Math.fround(d * (fourBits(bytes, at + 48, group, j) | fifth)) - m;
    }
  }
};

/** Low 4 bits [128], high 2 bits [64], scales of 16 groups as int8 [16], their scale. */
export const decodeQ6K: DecodeBlock = (bytes, at, out, to, half) => {
  const scale = halfAt(bytes, at + 208, half);
  for (let v = 0; v < size; v++) {
    const d = Math.fround(scale * (((bytes[at + 192 + (v >> 4)] as number) << 24) >> 24));
    const low = ((bytes[at + 64 * (v >> 7) + (v & 63)] as number) >> (v & 64 ? 4 : 0)) & 15;
    out[to + v] = d * ((low | (twoBits(bytes, at + 128, v) << 4)) - 32);
  }
};

/** Number `v` of 256 in 2 bits: 32 bytes hold four times 32 of them, the first in the lowest bits. */
function twoBits(bytes: Uint8Array, at: number, v: number): number {
  return ((bytes[at + 32 * (v >> 7) + (v & 31)] as number) >> (2 * ((v >> 5) & 3))) & 3;
}

/** Number `j` of a group of 32 in 4 bits: two groups share 32 bytes. */
function fourBits(bytes: Uint8Array, at: number, group: number, j: number): number {
  return ((bytes[at + 32 * (group >> 1) + j] as number) >> (4 * (group & 1))) & 15;
}

/** Scale and minimum of a group: of the first four in 6 bits of a byte, of the others in halves of one and the high bits of those. */
function scaleAndLeast(bytes: Uint8Array, at: number, group: number, half: Float32Array): [number, number] {
  const byte = (place: number) => bytes[at + 4 + place] as number;
  const isFirst = group < 4;
  const i = group & 3;
  const scale = isFirst ? byte(i) & 63 : (byte(8 + i) & 15) | ((byte(i) >> 2) & 48);
  const least = isFirst ? byte(4 + i) & 63 : (byte(8 + i) >> 4) | ((byte(4 + i) >> 2) & 48);
  return [Math.fround(halfAt(bytes, at, half) * scale), Math.fround(halfAt(bytes, at + 2, half) * least)];
}
