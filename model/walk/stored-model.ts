// A model whose tensors are read when their turn comes: what a walk goes through.

import type { ModelCheckpoint } from '../checkpoint/checkpoint.ts';
import type { Quantization } from '../codec/quantization.ts';
import type { Recovery } from '../sharing/recovery.ts';

/** An open checkpoint and what stands in for some of its matrices; both belong to whoever opened them. */
export interface StoredModel {
  readonly checkpoint: ModelCheckpoint;
  /** None is the original model. */
  readonly recovery?: Recovery | undefined;
}

/** True where the input of matrix `name` is rounded to int8 (`roundingOf`). */
export function isRounded(quantization: Quantization | undefined, name: string): boolean {
  return quantization?.activations === 'int8' && quantization.codecs.has(name);
}
