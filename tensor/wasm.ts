// A WebAssembly module with one loop over float32 arrays of its memory, four elements at a time: what a pass over a large array costs where no
// operator of ONNX Runtime makes it in one go.
import { type Code, get, instantiate, set, simd, types, unsigned, vector } from './wasm-code.ts';

/** A loop over `arrays` arrays. */
export interface Loop {
  readonly arrays: number;
  /** Numbers that the body reads, the same for all elements. */
  readonly numbers: number;
  /** The body, of what stands for element i of each array and for each number; vectors that it sets are locals 0 to `locals` - 1. */
  body(build: Build): Code;
  readonly locals: number;
}

/** What a body is written with; each pushes or takes vectors of four float32. */
export interface Build {
  load(array: number): Code;
  /** Stores what `value` pushes. */
  store(array: number, value: Code): Code;
  number(index: number): Code;
  /** Sets a local to what `value` pushes, and pushes it. */
  keep(local: number, value: Code): Code;
  local(local: number): Code;
  add(a: Code, b: Code): Code;
  sub(a: Code, b: Code): Code;
  mul(a: Code, b: Code): Code;
  div(a: Code, b: Code): Code;
  sqrt(a: Code): Code;
}

/** A loop ready to run in its memory. */
export interface RunnableLoop {
  readonly buffer: ArrayBuffer;
  /** Over `count` elements (rounded up to 4) of the arrays that begin at these bytes of the memory. */
  run(count: number, places: readonly number[], ...numbers: number[]): void;
}

/** Compiles `loop`, with a memory of `bytes`, all zero. */
export function compileLoop(loop: Loop, bytes: number): RunnableLoop {
  const parameters = [
    types.i32,
    ...Array.from({ length: loop.arrays }, () => types.i32),
    ...Array.from({ length: loop.numbers }, () => types.f32),
  ];
  const { memory, run } = instantiate({ parameters, bytes, code: codeOf(loop) });
  return { buffer: memory.buffer, run: (count, places, ...numbers) => run(4 * count, ...places, ...numbers) };
}

/** Locals: the parameters (bytes, where each array begins, numbers), the place in bytes, the numbers as vectors, the body's own. */
function codeOf(loop: Loop): Code {
  const first = 1 + loop.arrays;
  const place = first + loop.numbers;
  const vectors = place + 1;
  const own = vectors + loop.numbers;
  const spread = Array.from({ length: loop.numbers }, (_, i) => [...get(first + i), ...simd(19), ...set(vectors + i)]);
  const address = (array: number) => [...get(1 + array), ...get(place), 0x6a];
  const operator = (op: number) => (a: Code, b: Code) => [...a, ...b, ...simd(op)];
  const body = loop.body({
    load: (array) => [...address(array), ...simd(0), 4, ...unsigned(0)],
    store: (array, value) => [...address(array), ...value, ...simd(11), 4, ...unsigned(0)],
    number: (index) => get(vectors + index),
    keep: (local, value) => [...value, 0x22, ...unsigned(own + local)],
    local: (local) => get(own + local),
    add: operator(228),
    sub: operator(229),
    mul: operator(230),
    div: operator(231),
    sqrt: (a) => [...a, ...simd(227)],
  });
  const advance = [...get(place), 0x41, 16, 0x6a, 0x22, ...unsigned(place)]; // place += 16, pushed
  const again = [...get(0), 0x49, 0x0d, 0x00]; // while place < bytes
  const locals = vector([
    [1, types.i32],
    [...unsigned(loop.numbers + loop.locals), types.v128],
  ]);
  return [...locals, ...spread.flat(), 0x03, 0x40, ...body, ...advance, ...again, 0x0b];
}
