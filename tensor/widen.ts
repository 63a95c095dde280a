// Numbers that are kept in 16 bits and made float32 when they are read: half the memory of weights that no step changes.
import {
  type Code,
  get,
  type Instance,
  instantiate,
  integer,
  pageBytes,
  set,
  simd,
  types,
  unsigned,
} from './wasm-code.ts';

/** float16 or bfloat16 numbers as bit patterns. */
export interface Narrow {
  readonly dtype: 'F16' | 'BF16';
  readonly bits: Uint16Array;
}

/** Elements that are copied in at a time: they stay in a core's cache. */
const staged = 8192;
/** Where what was widened begins, behind the staged bits. */
const start = pageBytes;
/** WebAssembly's memory has no more. */
const most = 2 ** 32 - pageBytes;
const compiled = new Map<Narrow['dtype'], Instance>();

/**
 * The numbers of each of `all` as float32, exactly. The arrays are lent: the next call writes over them or lets them go. They lie in the memory of
 * one WebAssembly function for each type, which is as large as what was widened at once so far.
 */
export function widened(all: readonly Narrow[]): Float32Array[] {
  const lent = new Map<Narrow, Float32Array>();
  for (const dtype of ['BF16', 'F16'] as const) {
    const own = [...new Set(all)].filter((each) => each.dtype === dtype);
    if (own.length > 0) widen(own, instanceOf(dtype), lent);
  }
  return all.map((each) => lent.get(each) as Float32Array);
}

/** A copy of the numbers as float32. */
export function widenedCopy(narrow: Narrow): Float32Array {
  return (widened([narrow])[0] as Float32Array).slice();
}

function widen(all: readonly Narrow[], { memory, run }: Instance, lent: Map<Narrow, Float32Array>): void {
  const needed = all.reduce((end, { bits }) => end + placeBytes(bits.length), start);
  if (needed > most) throw new Error(`${needed} bytes are to be widened at once, more than ${most}`);
  const missing = needed - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  const stage = new Uint16Array(memory.buffer, 0, staged);
  let place = start;
  for (const narrow of all) {
    const { bits } = narrow;
    for (let at = 0; at < bits.length; at += staged) {
      const part = bits.subarray(at, at + staged);
      stage.set(part);
      run(place + 4 * at, place + 4 * (at + part.length));
    }
    lent.set(narrow, new Float32Array(memory.buffer, place, bits.length));
    place += placeBytes(bits.length);
  }
}

/** The loop writes four numbers at a time. */
function placeBytes(count: number): number {
  return 16 * Math.ceil(count / 4);
}

function instanceOf(dtype: Narrow['dtype']): Instance {
  let instance = compiled.get(dtype);
  if (instance === undefined) {
    instance = instantiate({ parameters: [types.i32, types.i32], bytes: start, code: widening(dtype) });
    compiled.set(dtype, instance);
  }
  return instance;
}

/** From byte `to` (local 0) until `end` (local 1), of the bits that are staged from byte `from` (local 2) on. */
function widening(dtype: Narrow['dtype']): Code {
  const [to, end, from] = [0, 1, 2];
  const locals = [2, 1, types.i32, 1, types.v128];
  const bits = [...get(from), ...simd(4), 3, ...unsigned(0)]; // four 16-bit numbers as 32-bit ones
  const numbers = dtype === 'BF16' ? shifted(bits, 16) : fromFloat16(bits, 3);
  const store = [...get(to), ...numbers, ...simd(11), 4, ...unsigned(0)];
  const advance = [
    ...get(from),
    ...integer(8),
    0x6a,
    ...set(from),
    ...get(to),
    ...integer(16),
    0x6a,
    0x22,
    ...unsigned(to),
  ];
  return [...locals, 0x03, 0x40, ...store, ...advance, ...get(end), 0x49, 0x0d, 0x00, 0x0b];
}

/**
 * The float32 numbers of float16 bits. Nothing subnormal is computed with, since ONNX Runtime has the processor take that for zero: a subnormal is
 * its mantissa as an integer, times 2^-24; other exponents are shifted by 112, and those of infinities and NaN by 112 more.
 */
function fromFloat16(bits: Code, local: number): Code {
  const magnitude = get(local);
  const isBelow = (limit: number) => [...magnitude, ...all(limit), ...simd(58)];
  const scaled = [...magnitude, ...simd(251), 0x43, 0x00, 0x00, 0x80, 0x33, ...simd(19), ...simd(230)];
  const finite = [...shifted(magnitude, 13), ...all(0x38000000), ...simd(174)];
  const infinite = [...finite, ...all(0x38000000), ...simd(174)];
  const normal = [...finite, ...infinite, ...isBelow(0x7c00), ...simd(82)];
  const split = [...bits, 0x22, ...unsigned(local), ...all(0x8000), ...simd(78)]; // all of it kept, the sign pushed
  const sign = shifted(split, 16);
  const rest = [...magnitude, ...all(0x7fff), ...simd(78), ...set(local)];
  return [...sign, ...rest, ...scaled, ...normal, ...isBelow(0x400), ...simd(82), ...simd(80)];
}

function shifted(vector: Code, by: number): Code {
  return [...vector, ...integer(by), ...simd(171)];
}

/** Pushes four times the integer. */
function all(value: number): Code {
  return [...integer(value), ...simd(17)];
}
