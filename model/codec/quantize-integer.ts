// Round-to-nearest quantisation to integers with a scale per row and group of columns (methods E.1 and E.4). All steps are those
// of float32 arithmetic, so that codes and scales equal those of torchao and of GPTQ's quantiser.
import { float16ToFloat32, float32ToFloat16 } from '../../formats/tensors/dtype.ts';

/** What the integers are: code 0 to 2^bits - 1, value (code - zero) scale; symmetric ones have the zero 2^(bits - 1). */
export interface IntegerGrid {
  readonly bits: 4 | 8;
  readonly symmetric: boolean;
  /**
   * Whose arithmetic, where they differ: torchao multiplies by the scale's reciprocal and takes float32's epsilon as the least scale;
   * GPTQ's quantiser (the default) divides, and gives a group of zeros the range of -1 to 1.
   */
  readonly arithmetic?: 'gptq' | 'torchao' | undefined;
  /** GPTQ's arithmetic: F16 rounds a scale to float16 before it is used, as AutoGPTQ's files hold it; default F32. */
  readonly scale_dtype?: 'F16' | undefined;
}

/** How rows are cut into groups; the last group of a row may be short. */
export interface IntegerSettings extends IntegerGrid {
  /** Columns that share a scale; 0: the whole row. */
  readonly group_size: number;
}

/** One group's scale and zero. */
export interface GroupParameters {
  readonly scale: number;
  readonly zero: number;
}

/** A quantised matrix: codes [rows, columns], scales and zeros [rows, groups]. */
export interface IntegerMatrix {
  readonly codes: Uint8Array;
  readonly scales: Float32Array;
  readonly zeros: Uint8Array;
}

/** torchao's smallest scale: float32's epsilon. */
const smallestScale = 2 ** -23;
/** The smallest and the largest number of float16. */
const float16Range = [2 ** -24, 65504] as const;

/** Columns that share a scale in rows of `columns`. */
export function groupWidth(group_size: number, columns: number): number {
  return group_size === 0 ? columns : Math.min(group_size, columns);
}

/** Groups of a row. */
export function groupCount(group_size: number, columns: number): number {
  return Math.ceil(columns / groupWidth(group_size, columns));
}

/** Scale and zero of the values from `start` to `end`: symmetric max|w| / ((2^bits - 1) / 2), else the range with 0 in it. */
export function groupParameters(
  values: ArrayLike<number>,
  start: number,
  end: number,
  { bits, symmetric, arithmetic, scale_dtype }: IntegerGrid,
): GroupParameters {
  let low = 0;
  let high = 0;
  for (let i = start; i < end; i++) {
    const value = values[i] as number;
    if (value < low) low = value;
    else if (value > high) high = value;
  }
  if (arithmetic === 'torchao') {
    const scale = Math.fround(Math.max(-low, high) / ((2 ** bits - 1) / 2));
    return { scale: Math.max(scale, smallestScale), zero: 2 ** (bits - 1) };
  }
  if (low === 0 && high === 0) [low, high] = [-1, 1];
  const levels = 2 ** bits - 1;
  const stored = scale_dtype === 'F16' ? float16Scale : Math.fround;
  if (symmetric) return { scale: stored(Math.max(-low, high) / (levels / 2)), zero: 2 ** (bits - 1) };
  const scale = stored(Math.fround(high - low) / levels);
  return { scale, zero: clamp(roundHalfEven(Math.fround(-low / scale)), levels) };
}

/** The code of one value. */
export function codeOf(value: number, { scale, zero }: GroupParameters, { bits, arithmetic }: IntegerGrid): number {
  const steps = arithmetic === 'torchao' ? value * Math.fround(1 / scale) : value / scale;
  return clamp(roundHalfEven(Math.fround(steps)) + zero, 2 ** bits - 1);
}

/** Quantises `values` [rows, columns]. */
export function quantizeInteger(
  values: Float32Array,
  rows: number,
  columns: number,
  settings: IntegerSettings,
): IntegerMatrix {
  const width = groupWidth(settings.group_size, columns);
  const groups = groupCount(settings.group_size, columns);
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array(rows * groups);
  const zeros = new Uint8Array(rows * groups);
  for (let group = 0; group < scales.length; group++) {
    const start = Math.floor(group / groups) * columns + (group % groups) * width;
    const end = Math.min(start + width, (Math.floor(group / groups) + 1) * columns);
    const { scale, zero } = groupParameters(values, start, end, settings);
    scales[group] = scale;
    zeros[group] = zero;
    for (let i = start; i < end; i++) codes[i] = codeOf(values[i] as number, { scale, zero }, settings);
  }
  return { codes, scales, zeros };
}

/** The float32 values [rows, columns] of a quantised matrix: (code - zero) scale. */
export function dequantizeInteger(
  { codes, scales, zeros }: IntegerMatrix,
  rows: number,
  columns: number,
  group_size: number,
): Float32Array {
  const width = groupWidth(group_size, columns);
  const groups = groupCount(group_size, columns);
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const group = row * groups + Math.floor(column / width);
      const i = row * columns + column;
      values[i] = ((codes[i] as number) - (zeros[group] as number)) * (scales[group] as number);
    }
  }
  return values;
}

/** The nearest whole number, halves to the even one, as torch.round. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

function float16Scale(scale: number): number {
  const [least, most] = float16Range;
  const [half] = float16ToFloat32(float32ToFloat16(Float32Array.of(Math.min(Math.max(scale, least), most))));
  return half as number;
}

function clamp(code: number, most: number): number {
  return code < 0 ? 0 : code > most ? most : code;
}
