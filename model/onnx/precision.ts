// The precisions of ONNX exports: what the graph computes in, and how each matrix is stored.
import type { ModelConfig } from '../architecture/model-config.ts';
import { matrixShape } from '../codec/quantize-codec.ts';
import { planQuantization } from '../quantize/plan.ts';
import { store8da4w } from './8da4w.ts';
import { blockCount } from './blocks.ts';
import type { OnnxFloat } from './graph.ts';
import { type Int4Settings, storeInt4 } from './int4.ts';
import { type StoreFactor, type StoreMatrix, type StoreTable, storeFloat, storeValues } from './linear.ts';
import { microsoft } from './nbits.ts';

/** The precisions, spelled as the stage does. */
export type OnnxDtype = 'F32' | 'F16' | 'INT4' | '8DA4W' | 'STORED';

/** What a user chooses; all but `dtype` of the quantised precisions. */
export interface OnnxSettings extends Int4Settings {
  readonly dtype: OnnxDtype;
  /** Whether the output head is quantised; default: in 8DA4W, as `quantize` does. A tied head is as the embedding is: float32. */
  readonly head?: boolean | undefined;
}

/** What follows from it. */
export interface OnnxPrecision {
  /** What the graph computes in, and stores what is not quantised in. */
  readonly float: OnnxFloat;
  /** STORED: the scheme of the codes, and the operator that multiplies with those of the layers. */
  readonly codes?: { readonly scheme: string; readonly operator: string | undefined } | undefined;
  /** Operator domains beside ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  /** True where the tensor `name` is known to be zeros, and not stored. */
  isAbsent(name: string): boolean;
  /** True where the matrix `name` has codes. */
  quantizes(name: string): boolean;
  /** How the matrix `name` is stored. */
  storeOf(name: string): StoreMatrix;
  /** How the embedding `name` is. */
  storeTable(name: string): StoreTable;
  /** How the norm `name` is. */
  storeVector(name: string): StoreFactor;
  /** How the recovery parameter `name` is. */
  storeFactor(name: string): StoreFactor;
  /** Bytes of one tensor of the model. */
  bytesOf(name: string, shape: readonly number[]): number;
}

/** The precision of a model of `config` that is rounded here; a UserError where 8DA4W's groups do not fit. */
export function precisionOf(config: ModelConfig, settings: OnnxSettings): OnnxPrecision {
  const { dtype, group_size } = settings;
  if (dtype === 'F32' || dtype === 'F16') return floatPrecision(dtype);
  const quantized = quantizedNames(config, settings);
  const store = dtype === 'INT4' ? storeInt4(settings) : store8da4w(group_size);
  return {
    ...asComputed,
    float: 'float32',
    opsets: dtype === 'INT4' ? microsoft : {},
    quantizes: (name) => quantized.has(name),
    storeOf: (name) => (quantized.has(name) ? store : storeFloat()),
    bytesOf(name, shape) {
      const [rows, columns] = matrixShape(shape);
      if (!quantized.has(name)) return 4 * rows * columns;
      return rows * blockCount(group_size, columns) * (group_size / 2 + 4);
    },
  };
}

/** Floats are stored in the type that the graph computes in. */
const asComputed = {
  isAbsent: () => false,
  storeTable: () => storeFloat(),
  storeVector: () => storeValues(),
  storeFactor: () => storeValues(),
};

function floatPrecision(dtype: 'F32' | 'F16'): OnnxPrecision {
  const [float, size] = dtype === 'F16' ? (['float16', 2] as const) : (['float32', 4] as const);
  return {
    ...asComputed,
    float,
    opsets: {},
    quantizes: () => false,
    storeOf: () => storeFloat(),
    bytesOf: (_name, shape) => shape.reduce((a, b) => a * b, size),
  };
}

/** The matrices that the `quantize` stage would round in a scheme of this precision. */
function quantizedNames(config: ModelConfig, { dtype, group_size, head }: OnnxSettings): ReadonlySet<string> {
  const scheme = dtype === 'INT4' ? 'rtn' : '8da4w';
  const rest = {
    block_size: 64,
    double_quant: false,
    embedding_bits: 32,
    embedding_group_size: 0,
    dtype: 'F32',
  } as const;
  const plan = planQuantization(config, [], { scheme, bits: 4, symmetric: true, group_size, head, ...rest });
  return new Set(plan.codecs.keys());
}
