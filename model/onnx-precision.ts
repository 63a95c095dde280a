// The precisions of ONNX exports: what the graph computes in, and how each matrix is stored.
import type { LlamaConfig } from './config.ts';
import type { OnnxFloat } from './onnx-graph.ts';
import { type StoreMatrix, storeFloat } from './onnx-linear.ts';
import type { Replacement } from './replacement.ts';

/** The precisions, spelled as the stage does. */
export type OnnxDtype = 'F32' | 'F16';

/** What a user chooses. */
export interface OnnxSettings {
  readonly dtype: OnnxDtype;
}

/** What follows from it. */
export interface OnnxPrecision {
  /** What the graph computes in, and stores what is not quantised in. */
  readonly float: OnnxFloat;
  /** Operator domains beside ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  /** How the matrix `name` is stored. */
  storeOf(name: string): StoreMatrix;
  /** Bytes of one tensor of the model. */
  bytesOf(name: string, shape: readonly number[]): number;
}

/** The precision of a model of `config` with `replacements` on top. */
export function precisionOf(
  _config: LlamaConfig,
  _replacements: readonly Replacement[],
  { dtype }: OnnxSettings,
): OnnxPrecision {
  const float = dtype === 'F16' ? 'float16' : 'float32';
  return {
    float,
    opsets: {},
    storeOf: () => storeFloat,
    bytesOf: (_name, shape) => shape.reduce((a, b) => a * b, float === 'float16' ? 2 : 4),
  };
}
