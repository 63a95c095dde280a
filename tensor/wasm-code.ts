// WebAssembly modules of one function and one memory, encoded by the specification's binary format (WebAssembly 2.0, chapter 5).

/** Bytes of code. */
export type Code = readonly number[];

/** A function without results, `run`, over a memory. */
export interface WasmFunction {
  /** Types of its parameters, which are its first locals. */
  readonly parameters: readonly number[];
  /** Its memory at the start, rounded up to pages. */
  readonly bytes: number;
  /** The declaration of its further locals, and its instructions without the last `end`. */
  readonly code: Code;
}

/** What a module gives. */
export interface Instance {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  run(...parameters: number[]): void;
}

/** Types of values, as they are encoded. */
export const types = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;
/** Memories grow by pages. */
export const pageBytes = 65_536;
const [typeSection, functionSection, memorySection, exportSection, codeSection] = [1, 3, 5, 7, 10];

/** What we use of WebAssembly, which TypeScript knows of browsers only. */
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Instance };
}

/** Compiles a function. */
export function instantiate(wasm: WasmFunction): Instance {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
  return new Instance(new Module(encode(wasm))).exports;
}

function encode({ parameters, bytes, code }: WasmFunction): Uint8Array<ArrayBuffer> {
  const body = [...code, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(typeSection, [[0x60, ...vector(parameters.map((type) => [type])), 0x00]]),
    ...section(functionSection, [[0x00]]),
    ...section(memorySection, [[0x00, ...unsigned(Math.ceil(bytes / pageBytes))]]),
    ...section(exportSection, [
      [...text('run'), 0x00, 0x00],
      [...text('memory'), 0x02, 0x00],
    ]),
    ...section(codeSection, [[...unsigned(body.length), ...body]]),
  ]);
}

/** Pushes a local. */
export function get(local: number): Code {
  return [0x20, ...unsigned(local)];
}

/** Sets a local to what was pushed. */
export function set(local: number): Code {
  return [0x21, ...unsigned(local)];
}

/** An instruction on vectors, by its number. */
export function simd(op: number): Code {
  return [0xfd, ...unsigned(op)];
}

/** Pushes an i32. */
export function integer(value: number): Code {
  return [0x41, ...signed(value | 0)];
}

function section(id: number, items: readonly Code[]): Code {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}

/** A list of encoded items, with its length. */
export function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): Code {
  return [...unsigned(name.length), ...Buffer.from(name)];
}

/** LEB128. */
export function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}

/** LEB128 with a sign. */
function signed(value: number): Code {
  return value >= -64 && value < 64 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
