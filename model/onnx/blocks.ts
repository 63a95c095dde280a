// 4-bit blocks as ONNX Runtime's own quantiser makes them for MatMulNBits (methods E.5; mlas, q4_dq.cpp), bit for bit.

/** A matrix [rows, columns] in blocks of columns: codes two to a byte (the even one low), and a scale for each block. */
export interface BlockCodes {
  /** [rows, blocks, block_size / 2]; what the last block of a row has beyond the columns is 0. */
  readonly codes: Uint8Array;
  /** [rows, blocks]. */
  readonly scales: Float32Array;
}

/** Blocks of a row. */
export function blockCount(block_size: number, columns: number): number {
  return Math.ceil(columns / block_size);
}

/** Symmetric: scale e / -8 with e the value of largest magnitude, code clamp(round(w / scale + 8), 0, 15), value (code - 8) scale. */
export function quantizeBlocks(values: Float32Array, rows: number, columns: number, block_size: number): BlockCodes {
  const blocks = blockCount(block_size, columns);
  const codes = new Uint8Array((rows * blocks * block_size) / 2);
  const scales = new Float32Array(rows * blocks);
  for (let block = 0; block < scales.length; block++) {
    const row = Math.floor(block / blocks);
    const start = row * columns + (block % blocks) * block_size;
    const end = Math.min(start + block_size, (row + 1) * columns);
    const scale = Math.fround(extremeOf(values, start, end) / -8);
    scales[block] = scale;
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    for (let i = start; i < end; i++) {
      const at = block * block_size + i - start;
      codes[at >> 1] = (codes[at >> 1] as number) | (codeOf(values[i] as number, inverse) << (4 * (at & 1)));
    }
  }
  return { codes, scales };
}

/** The value of largest magnitude; of two that are equally large the negative one. */
function extremeOf(values: Float32Array, start: number, end: number): number {
  let [low, high] = [values[start] as number, values[start] as number];
  for (let i = start + 1; i < end; i++) {
    const value = values[i] as number;
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  return Math.abs(high) > Math.abs(low) ? high : low;
}

function codeOf(value: number, inverse: number): number {
  const steps = Math.fround(Math.fround(value * inverse) + 8);
  return Math.floor(Math.min(15, Math.max(0, steps)) + 0.5);
}
