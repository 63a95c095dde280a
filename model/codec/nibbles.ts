// Codes of four bits, two to a byte.

/** Which of two neighbours lies in the high four bits: ONNX Runtime puts the odd one there, bitsandbytes and ExecuTorch the even one. */
export type NibbleOrder = 'even_low' | 'even_high';

/** Packs `rows` rows of `columns` codes (0 to 15); each row begins a new byte, the last half byte of an odd row is 0. */
export function packNibbles(codes: Uint8Array, rows: number, columns: number, order: NibbleOrder): Uint8Array {
  const width = Math.ceil(columns / 2);
  const bytes = new Uint8Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      bytes[row * width + (column >> 1)] =
        (bytes[row * width + (column >> 1)] as number) |
        ((codes[row * columns + column] as number) << shiftOf(column, order));
    }
  }
  return bytes;
}

/** The codes that {@link packNibbles} packed. */
export function unpackNibbles(bytes: Uint8Array, rows: number, columns: number, order: NibbleOrder): Uint8Array {
  const width = Math.ceil(columns / 2);
  const codes = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const byte = bytes[row * width + (column >> 1)] as number;
      codes[row * columns + column] = (byte >> shiftOf(column, order)) & 15;
    }
  }
  return codes;
}

function shiftOf(column: number, order: NibbleOrder): number {
  return (column % 2 === 0) === (order === 'even_high') ? 4 : 0;
}
