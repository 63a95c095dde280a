// The element types of GGUF tensors: floats, and blocks of numbers with common scales; sizes as in ggml.

interface Layout {
  /** ggml's number of the type. */
  readonly id: number;
  /** Numbers of a block; a row is a whole number of blocks. */
  readonly block: number;
  readonly blockBytes: number;
}

/** Every type that is read. */
const layouts = {
  F32: { id: 0, block: 1, blockBytes: 4 },
  F16: { id: 1, block: 1, blockBytes: 2 },
  Q4_0: { id: 2, block: 32, blockBytes: 18 },
  Q4_1: { id: 3, block: 32, blockBytes: 20 },
  Q5_0: { id: 6, block: 32, blockBytes: 22 },
  Q5_1: { id: 7, block: 32, blockBytes: 24 },
  Q8_0: { id: 8, block: 32, blockBytes: 34 },
  Q2_K: { id: 10, block: 256, blockBytes: 84 },
  Q3_K: { id: 11, block: 256, blockBytes: 110 },
  Q4_K: { id: 12, block: 256, blockBytes: 144 },
  Q5_K: { id: 13, block: 256, blockBytes: 176 },
  Q6_K: { id: 14, block: 256, blockBytes: 210 },
  IQ4_NL: { id: 20, block: 32, blockBytes: 18 },
  BF16: { id: 30, block: 1, blockBytes: 2 },
} as const satisfies Record<string, Layout>;

/** An element type that is read, spelled as in ggml. */
export type GgufStoredType = keyof typeof layouts;

/** Element types that are written, too. */
export type GgufType = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0';

/** Every type that is read, for messages. */
export const ggufStoredTypes = Object.keys(layouts) as GgufStoredType[];

/** ggml's other types by number, so that a file that has them can be told what it has. */
const unread: Readonly<Record<number, string>> = {
  ...{ 9: 'Q8_1', 15: 'Q8_K', 16: 'IQ2_XXS', 17: 'IQ2_XS', 18: 'IQ3_XXS', 19: 'IQ1_S', 21: 'IQ3_S', 22: 'IQ2_S' },
  ...{ 23: 'IQ4_XS', 24: 'I8', 25: 'I16', 26: 'I32', 27: 'I64', 28: 'F64', 29: 'IQ1_M', 34: 'TQ1_0', 35: 'TQ2_0' },
  ...{ 39: 'MXFP4', 40: 'NVFP4' },
};

const byId: ReadonlyMap<number, GgufStoredType> = new Map(ggufStoredTypes.map((type) => [layouts[type].id, type]));

/** ggml's number of `type`. */
export function ggufTypeId(type: GgufStoredType): number {
  return layouts[type].id;
}

/** The type of ggml's number `id`; undefined for one that is not read. */
export function ggufTypeOf(id: number): GgufStoredType | undefined {
  return byId.get(id);
}

/** ggml's name of a type that is not read, else its number. */
export function unreadGgufType(id: number): string {
  return unread[id] ?? String(id);
}

/** Numbers of a block and its bytes. */
export function ggufBlock(type: GgufStoredType): Pick<Layout, 'block' | 'blockBytes'> {
  return layouts[type];
}

/** True for types with one scale for several numbers, which hold no infinity and no NaN. */
export function isBlocked(type: GgufStoredType): boolean {
  return layouts[type].block > 1;
}

/** Bytes of a tensor; undefined when its rows (the last dimension) are no whole number of blocks. */
export function ggufBytes(type: GgufStoredType, shape: readonly number[]): number | undefined {
  const { block, blockBytes } = layouts[type];
  const size = shape.reduce((a, b) => a * b, 1);
  return (shape.at(-1) ?? 1) % block === 0 ? (size / block) * blockBytes : undefined;
}
