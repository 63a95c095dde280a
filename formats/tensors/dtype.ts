// The element types of stored tensors, their sizes, and the exact conversions between float32 and the short floats.
import { UserError } from '../../util/errors.ts';

/** Element types, spelled as in safetensors. */
export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

const SIZES: Record<Dtype, number> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 };

/** Every element type, for messages. */
export const DTYPES = Object.keys(SIZES) as Dtype[];

/** True when `name` is an element type this project reads. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(SIZES, name);
}

/** Bytes per element. */
export function dtypeBytes(dtype: Dtype): number {
  return SIZES[dtype];
}

/** Bytes of a tensor, or undefined when `shape` holds a bad dimension or the size is not a safe integer. */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number | undefined {
  let bytes = dtypeBytes(dtype);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return undefined;
  if (shape.includes(0)) return 0;
  for (const size of shape) bytes *= size;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The little-endian bytes of a float tensor as float32; F32 is a view where alignment allows. `name` is for messages. */
export function toFloat32(name: string, dtype: Dtype, bytes: Uint8Array): Float32Array {
  switch (dtype) {
    case 'F32':
      return typed(Float32Array, bytes);
    case 'F16':
      return float16ToFloat32(typed(Uint16Array, bytes));
    case 'BF16':
      return bfloat16ToFloat32(typed(Uint16Array, bytes));
    case 'F64':
      return Float32Array.from(typed(Float64Array, bytes));
    default:
      throw new UserError(`tensor '${name}': expected an element type of F32, F16, BF16 or F64, got ${dtype}`);
  }
}

/** The little-endian bytes of 16-bit numbers as their bit patterns; a view where alignment allows. */
export function wordsOf(bytes: Uint8Array): Uint16Array {
  return typed(Uint16Array, bytes);
}

/** float32 values as the little-endian bytes of `dtype`, each rounded to the nearest (ties to even). */
export function fromFloat32(dtype: 'F32' | 'F16' | 'BF16', values: Float32Array): Uint8Array {
  const stored = dtype === 'F32' ? values : dtype === 'F16' ? float32ToFloat16(values) : float32ToBfloat16(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** The same for the values of tensor `name`; a UserError for a number that would become infinite as float16. */
export function encodeFloats(name: string, dtype: 'F32' | 'F16' | 'BF16', values: Float32Array): Uint8Array {
  const tooLarge =
    dtype === 'F16' ? values.find((value) => Number.isFinite(value) && Math.abs(value) >= 65520) : undefined;
  if (tooLarge === undefined) return fromFloat32(dtype, values);
  throw new UserError(`tensor '${name}' holds ${tooLarge}, expected at most 65504 for float16: take BF16 or F32`);
}

/** bfloat16 bit patterns to float32, exactly. */
export function bfloat16ToFloat32(values: Uint16Array): Float32Array {
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = (values[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/** float32 to bfloat16 bit patterns: nearest, ties to even; a NaN stays a NaN and becomes quiet. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const u = bits[i] as number;
    out[i] = (u & 0x7fffffff) > 0x7f800000 ? (u >>> 16) | 0x40 : (u + 0x7fff + ((u >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** float16 bit patterns to float32, exactly, subnormals and NaN payloads included. */
export function float16ToFloat32(values: Uint16Array): Float32Array {
  float16Bits ??= Uint32Array.from({ length: 65536 }, (_, half) => widenHalf(half));
  const bits = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = float16Bits[values[i] as number] as number;
  return new Float32Array(bits.buffer);
}

/** float32 to float16 bit patterns: nearest, ties to even; too large is infinity, a NaN becomes quiet. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) out[i] = narrowToHalf(bits[i] as number);
  return out;
}

/** The float32 bits of every float16 bit pattern; made on first use. */
let float16Bits: Uint32Array | undefined;

function widenHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  const shift = Math.clz32(mantissa) - 21; // brings the leading one of a subnormal to bit 10
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
}

function narrowToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const abs = bits & 0x7fffffff;
  if (abs > 0x7f800000) return sign | 0x7e00 | ((abs >>> 13) & 0x3ff);
  if (abs >= 0x47800000) return sign | 0x7c00; // 65536 and more
  if (abs >= 0x38800000) return sign | ((abs - 0x38000000 + 0xfff + ((abs >>> 13) & 1)) >>> 13);
  if (abs < 0x33000000) return sign; // below 2^-25: nearer to zero than to the smallest subnormal
  const mantissa = (abs & 0x7fffff) | 0x800000;
  const shift = 126 - (abs >>> 23);
  const half = 1 << (shift - 1);
  const floor = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  return sign | (rest > half || (rest === half && (floor & 1) === 1) ? floor + 1 : floor);
}

interface TypedConstructor<T> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/** A typed view of `bytes`, copied first where they are not aligned. */
function typed<T>(TypedArray: TypedConstructor<T>, bytes: Uint8Array): T {
  const width = TypedArray.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  return new TypedArray(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / width));
}
