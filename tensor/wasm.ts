// A WebAssembly module with one loop over float32 arrays, four elements at a time: what a pass over a large array costs where no
// operator of ONNX Runtime makes it in one go.
import { type Code, get, instantiate, set, simd, types, unsigned, vector } from './wasm-code.ts';

/** A loop of a step of 16 bytes over `arrays` arrays of `capacity` elements each, in one memory. */
export interface Loop {
  readonly arrays: number;
  /** A multiple of 4. */
  readonly capacity: number;
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

/** A loop ready to run: its arrays, and `run` over their first `count` elements (rounded up to 4). */
export interface RunnableLoop {
  readonly arrays: readonly Float32Array[];
  run(count: number, ...numbers: number[]): void;
}

/** Arrays do not start at one place of a page of 4 KiB: a load would wait for the store to another array before it. */
const staggerBytes = 192;

/** Compiles `loop`. */
export function compileLoop(loop: Loop): RunnableLoop {
  const parameters = [types.i32, ...Array.from({ length: loop.numbers }, () => types.f32)];
  const { memory, run } = instantiate({ parameters, bytes: startOf(loop, loop.arrays), code: codeOf(loop) });
  const arrays = Array.from(
    { length: loop.arrays },
    (_, i) => new Float32Array(memory.buffer, startOf(loop, i), loop.capacity),
  );
  return { arrays, run: (count, ...numbers) => run(4 * count, ...numbers) };
}

function startOf({ capacity }: Loop, array: number): number {
  return array * (4 * capacity + staggerBytes);
}

/** Locals: the parameters (end, numbers), the place in bytes, the numbers as vectors, the body's own. */
function codeOf(loop: Loop): Code {
  const place = loop.numbers + 1;
  const vectors = place + 1;
  const own = vectors + loop.numbers;
  const spread = Array.from({ length: loop.numbers }, (_, i) => [...get(i + 1), ...simd(19), ...set(vectors + i)]);
  const operator = (op: number) => (a: Code, b: Code) => [...a, ...b, ...simd(op)];
  const body = loop.body({
    load: (array) => [...get(place), ...simd(0), 4, ...unsigned(startOf(loop, array))],
    store: (array, value) => [...get(place), ...value, ...simd(11), 4, ...unsigned(startOf(loop, array))],
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
  const again = [...get(0), 0x49, 0x0d, 0x00]; // while place < end
  const locals = vector([
    [1, types.i32],
    [...unsigned(loop.numbers + loop.locals), types.v128],
  ]);
  return [...locals, ...spread.flat(), 0x03, 0x40, ...body, ...advance, ...again, 0x0b];
}
