// Stage 1 of SHARP, single-layer warm-up: recovery parameters of one target that imitate its original MLP (methods A.6).
import { meanSquaredError, swiglu } from '../tensor/ops.ts';
import { tf } from '../tensor/tf.ts';
import { sharedMlp } from './mlp.ts';
import { mlpName, type Projection } from './names.ts';
import { adamDefaults } from './optimizer.ts';
import { createRecovery, projectionOf, type Recovery, type RecoverySettings } from './recovery.ts';
import type { Pair } from './sharing.ts';
import { type ActivationRows, type RowBatch, rowBatches } from './slw-batches.ts';
import { type TrainTask, train } from './train.ts';
import type { Weights } from './weights.ts';

/** Settings of SLW; Adam at a constant rate, 5 epochs and lr 1e-3 are the paper's. */
export interface SlwSettings extends RecoverySettings {
  readonly lr: number;
  readonly epochs: number;
  /** Tokens per step. */
  readonly batch_tokens: number;
  /** `mlp`: one loss at the MLP's output, the three matrices together; `projection`: one regression for each. */
  readonly granularity: 'mlp' | 'projection';
}

/** What SLW needs of a model: the MLPs of the pair. */
export type SlwWeights = Pick<Weights, 'config' | 'get'>;

/**
 * Fits the recovery parameters of `pair.target` to what its own MLP makes of `rows`, the inputs [n, D] of that MLP in the
 * original model. The caller frees the recovery; `losses` has the loss of every step.
 */
export async function warmUp(
  weights: SlwWeights,
  pair: Pair,
  rows: ActivationRows,
  settings: SlwSettings,
  run: Pick<TrainTask<RowBatch>, 'save' | 'onProgress'> = {},
): Promise<{ recovery: Recovery; losses: number[] }> {
  const recovery = createRecovery(weights.config, [pair], settings);
  const isMlp = settings.granularity === 'mlp';
  const teacher = (x: tf.Tensor2D) => sharedMlp(weights, pair.target, pair.target, x);
  const { steps, batch } = rowBatches(rows, weights.config.hidden_size, settings, isMlp ? teacher : undefined);
  const { losses } = await train<RowBatch>({
    variables: recovery.parameters,
    steps: recovery.parameters.size === 0 ? 0 : steps,
    adam: adamDefaults,
    learningRate: () => settings.lr,
    batches: async (step) => [await batch(step)],
    loss: (b) => (isMlp ? mlpLoss(weights, pair, recovery, b) : projectionLoss(weights, pair, recovery, b)),
    ...run,
  });
  return { recovery, losses };
}

/** Mean over tokens and features of the squared error at the MLP's output, before the residual add (equation 2, its typo mended). */
export function mlpLoss(
  weights: SlwWeights,
  { reference, target }: Pair,
  recovery: Recovery,
  batch: RowBatch,
): tf.Scalar {
  const width = weights.config.hidden_size;
  const x = tf.tensor2d(batch.x, [batch.count, width]);
  const y = tf.tensor2d(batch.y as Float32Array, [batch.count, width]);
  return meanSquaredError(sharedMlp(weights, reference, target, x, recovery), y);
}

/** The sum of the three projections' mean squared errors; down sees the target's own hidden activations. */
export function projectionLoss(weights: SlwWeights, pair: Pair, recovery: Recovery, batch: RowBatch): tf.Scalar {
  const x = tf.tensor2d(batch.x, [batch.count, weights.config.hidden_size]);
  const weightOf = (layer: number) => (projection: Projection) =>
    weights.get(mlpName(layer, projection)) as tf.Tensor2D;
  const original = projectionOf(undefined, pair.target, weightOf(pair.target));
  const recovered = projectionOf(recovery, pair.target, weightOf(pair.reference));
  const [gate, up] = [original('gate', x), original('up', x)];
  const h = swiglu(gate, up);
  const errors = [
    meanSquaredError(recovered('gate', x), gate),
    meanSquaredError(recovered('up', x), up),
    meanSquaredError(recovered('down', h), original('down', h)),
  ];
  return tf.addN(errors);
}
