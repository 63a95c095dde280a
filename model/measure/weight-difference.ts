// How much the weights of neighbouring layers differ (paper, Figure 3).
import type { ModelConfig } from '../architecture/model-config.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';

/** Matrices that are compared, those of the MLP first; the paper's figure has these, attention stands beside them. */
const comparedMatrices: readonly MatrixRole[] = ['gate', 'up', 'down', 'q', 'k', 'v', 'o'];

/** The relative differences of one kind of matrix. */
export interface Difference {
  /** Over all neighbours. */
  mean: number;
  /** By the first of the two layers, from 1, as text. */
  by_layer: Record<string, number>;
}

/**
 * ||next - own||_F / ||own||_F in float64, for two matrices of the same shape; the sum runs in storage order. Infinite or
 * NaN where `own` is zero.
 */
export function relativeDifference(own: Float32Array, next: Float32Array): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < own.length; i++) {
    const value = own[i] as number;
    const step = (next[i] as number) - value;
    difference += step * step;
    size += value * value;
  }
  return Math.sqrt(difference / size);
}

/**
 * The differences between each layer and the next, for all layers of a model of `config`; `read` gives a tensor's values by name. One
 * kind of matrix at a time, so that two matrices are in memory and each is read once.
 */
export async function weightDifferences(
  config: ModelConfig,
  read: (name: string) => Promise<Float32Array>,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Record<MatrixRole, Difference>> {
  const result = {} as Record<MatrixRole, Difference>;
  const { num_hidden_layers: layers } = config;
  const total = comparedMatrices.length * (layers - 1);
  let done = 0;
  for (const matrix of comparedMatrices) {
    const byLayer: Record<string, number> = {};
    let own = await read(tensorName(config, 1, matrix));
    for (let layer = 1; layer < layers; layer++) {
      const next = await read(tensorName(config, layer + 1, matrix));
      byLayer[layer] = relativeDifference(own, next);
      own = next;
      onProgress(++done, total);
    }
    result[matrix] = { mean: mean(Object.values(byLayer)), by_layer: byLayer };
  }
  return result;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
