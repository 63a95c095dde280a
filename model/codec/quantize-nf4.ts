// NF4 (arXiv 2305.14314, bitsandbytes; methods E.3): 16 quantiles of a normal distribution times the largest magnitude of each
// block, and these magnitudes quantised to 8 bits once more.

/** The 16 values of a code, ascending. */
export const nf4Codebook = Float32Array.of(
  -1,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1,
);

/** Magnitudes that share a second scale. */
export const nestedBlock = 256;

/** The 256 values of bitsandbytes' signed dynamic map, ascending (arXiv 1511.04561): finer near 0. */
export const dynamicMap = makeDynamicMap();

/** Values quantised in blocks, flat and row-major: codes and the largest magnitude of each block. */
export interface BlockMatrix {
  readonly codes: Uint8Array;
  readonly absmax: Float32Array;
}

/** Magnitudes [blocks] in 8 bits: dynamicMap[code] nested_absmax + offset. */
export interface NestedMagnitudes {
  readonly codes: Uint8Array;
  /** One for each 256 of them. */
  readonly absmax: Float32Array;
  readonly offset: number;
}

/** Quantises `values` to NF4 in blocks of `blockSize`; the last may be short. */
export function quantizeNf4(values: Float32Array, blockSize: number): BlockMatrix {
  return quantizeBlocks(values, blockSize, nf4Codebook);
}

/** Float32 values: code times magnitude. */
export function dequantizeNf4({ codes, absmax }: BlockMatrix, blockSize: number): Float32Array {
  return dequantizeBlocks({ codes, absmax }, blockSize, nf4Codebook);
}

/** Double quantisation of the magnitudes: their mean is taken off, the rest quantised in blocks of 256. */
export function nestMagnitudes(absmax: Float32Array): NestedMagnitudes {
  const offset = Math.fround(absmax.reduce((sum, value) => sum + value, 0) / Math.max(1, absmax.length));
  const nested = quantizeBlocks(
    absmax.map((value) => value - offset),
    nestedBlock,
    dynamicMap,
  );
  return { ...nested, offset };
}

/** The magnitudes that double quantisation leaves. */
export function unnestMagnitudes({ codes, absmax, offset }: NestedMagnitudes): Float32Array {
  return dequantizeBlocks({ codes, absmax }, nestedBlock, dynamicMap).map((value) => value + offset);
}

function quantizeBlocks(values: Float32Array, blockSize: number, book: Float32Array): BlockMatrix {
  const bounds = book.subarray(1).map((value, i) => (value + (book[i] as number)) / 2);
  const codes = new Uint8Array(values.length);
  const absmax = new Float32Array(Math.ceil(values.length / blockSize));
  for (let block = 0; block < absmax.length; block++) {
    const start = block * blockSize;
    const end = Math.min(start + blockSize, values.length);
    let largest = 0;
    for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(values[i] as number));
    absmax[block] = largest;
    const inverse = Math.fround(1 / Math.max(largest, 1e-38));
    for (let i = start; i < end; i++) codes[i] = nearest(Math.fround((values[i] as number) * inverse), bounds);
  }
  return { codes, absmax };
}

function dequantizeBlocks({ codes, absmax }: BlockMatrix, blockSize: number, book: Float32Array): Float32Array {
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    values[i] = (book[codes[i] as number] as number) * (absmax[Math.floor(i / blockSize)] as number);
  }
  return values;
}

/** How many of the ascending `bounds` lie below x: one that x equals does not. */
function nearest(x: number, bounds: Float32Array): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] as number) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** For i = 0 to 6: the middles of 2^i equal parts of [0.1, 1] times 10^(i - 6), with both signs; and 0 and 1. */
function makeDynamicMap(): Float32Array {
  const values = [0, 1];
  for (let i = 0; i < 7; i++) {
    const bounds = linspace(2 ** i);
    for (let k = 0; k < 2 ** i; k++) {
      const middle = Math.fround(Math.fround((bounds[k] as number) + (bounds[k + 1] as number)) / 2);
      const value = Math.fround(10 ** (i - 6)) * middle;
      values.push(value, -value);
    }
  }
  return Float32Array.from(values).sort();
}

/** The bounds of `parts` equal parts of [0.1, 1], as torch.linspace rounds them: once, from both ends to the middle. */
function linspace(parts: number): Float32Array {
  const [start, step] = [Math.fround(0.1), Math.fround(Math.fround(1 - Math.fround(0.1)) / parts)];
  const bound = (k: number) => (2 * k < parts + 1 ? start + step * k : 1 - step * (parts - k));
  return Float32Array.from({ length: parts + 1 }, (_, k) => bound(k));
}
