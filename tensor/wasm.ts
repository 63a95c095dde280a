// A WebAssembly module with one loop over float32 arrays, four elements at a time: what a pass over a large array costs where no
// operator of ONNX Runtime makes it in one go. Encoded by the specification's binary format (WebAssembly 2.0, chapter 5).

/** Bytes of code. */
export type Code = readonly number[];

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

const types = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;
const pageBytes = 65_536;
/** Arrays do not start at one place of a page of 4 KiB: a load would wait for the store to another array before it. */
const staggerBytes = 192;
const [typeSection, functionSection, memorySection, exportSection, codeSection] = [1, 3, 5, 7, 10];

/** What we use of WebAssembly, which TypeScript knows of browsers only. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  run(bytes: number, ...numbers: number[]): void;
}

/** Compiles `loop`. */
export function compileLoop(loop: Loop): RunnableLoop {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
  const { memory, run } = new Instance(new Module(encodeLoop(loop))).exports;
  const arrays = Array.from(
    { length: loop.arrays },
    (_, i) => new Float32Array(memory.buffer, startOf(loop, i), loop.capacity),
  );
  return { arrays, run: (count, ...numbers) => run(4 * count, ...numbers) };
}

function startOf({ capacity }: Loop, array: number): number {
  return array * (4 * capacity + staggerBytes);
}

function encodeLoop(loop: Loop): Uint8Array<ArrayBuffer> {
  const parameters = [types.i32, ...Array.from({ length: loop.numbers }, () => types.f32)];
  const pages = Math.ceil(startOf(loop, loop.arrays) / pageBytes);
  const code = codeOf(loop);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(typeSection, [[0x60, ...vector(parameters.map((type) => [type])), 0x00]]),
    ...section(functionSection, [[0x00]]),
    ...section(memorySection, [[0x00, ...unsigned(pages)]]),
    ...section(exportSection, [
      [...text('run'), 0x00, 0x00],
      [...text('memory'), 0x02, 0x00],
    ]),
    ...section(codeSection, [[...unsigned(code.length), ...code]]),
  ]);
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
  return [...locals, ...spread.flat(), 0x03, 0x40, ...body, ...advance, ...again, 0x0b, 0x0b];
}

function get(local: number): Code {
  return [0x20, ...unsigned(local)];
}

function set(local: number): Code {
  return [0x21, ...unsigned(local)];
}

function simd(op: number): Code {
  return [0xfd, ...unsigned(op)];
}

function section(id: number, items: readonly Code[]): Code {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): Code {
  return [...unsigned(name.length), ...Buffer.from(name)];
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}
