// Stage 1 of SHARP, single-layer warm-up: recovery parameters of one target that imitate its original MLP (methods A.6).
import { meanSquaredError, swiglu } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import type { Weights } from '../architecture/weights.ts';
import { linear } from '../forward/linear.ts';
import { originalMlp, recovered, replacedMlp } from '../forward/mlp.ts';
import { createRecovery, type Recovery, type RecoverySettings } from '../sharing/recovery.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import { adamDefaults } from './optimizer.ts';
import { type ActivationRows, type RowBatch, rowBatches } from './slw-batches.ts';
import { type TrainTask, train } from './train.ts';

/** Settings of SLW; Adam at a constant rate, 5 epochs and lr 1e-3 are the paper's. */
export interface SlwSettings extends RecoverySettings {
  readonly lr: number;
  readonly epochs: number;
  /** Tokens per step. */
  readonly batch_tokens: number;
  /** `mlp`: one loss at the MLP's output, the three matrices together; `projection`: one regression for each. */
  readonly granularity: 'mlp' | 'projection';
}

/** What SLW needs of a model: the MLPs of reference and target. */
export type SlwWeights = Pick<Weights, 'config' | 'get'>;

/**
 * Fits the recovery parameters of a replacement to what the target's own MLP makes of `rows`, the inputs [n, D] of that MLP in the
 * original model. The caller frees the recovery; `losses` has the loss of every step.
 */
export async function warmUp(
  weights: SlwWeights,
  replacement: RunReplacement,
  rows: ActivationRows,
  settings: SlwSettings,
  run: Pick<TrainTask<RowBatch>, 'save' | 'onProgress'> = {},
): Promise<{ recovery: Recovery; losses: number[] }> {
  const recovery = createRecovery(weights.config, [replacement], settings, weights);
  const isMlp = settings.granularity === 'mlp';
  const teacher = (x: tf.Tensor2D) => originalMlp(weights, replacement.target, x);
  const { steps, batch } = rowBatches(rows, weights.config.hidden_size, settings, isMlp ? teacher : undefined);
  const { losses } = await train<RowBatch>({
    variables: recovery.parameters,
    steps: recovery.parameters.size === 0 ? 0 : steps,
    adam: adamDefaults,
    learningRate: () => settings.lr,
    batches: async (step) => [await batch(step)],
    loss: (b) => (isMlp ? mlpLoss : projectionLoss)(weights, replacement, recovery, b),
    ...run,
  });
  return { recovery, losses };
}

/** Mean over tokens and features of the squared error at the MLP's output, before the residual add (equation 2, its typo mended). */
export function mlpLoss(
  weights: SlwWeights,
  replacement: RunReplacement,
  recovery: Recovery,
  batch: RowBatch,
): tf.Scalar {
  const width = weights.config.hidden_size;
  const x = tf.tensor2d(batch.x, [batch.count, width]);
  const y = tf.tensor2d(batch.y as Float32Array, [batch.count, width]);
  return meanSquaredError(replacedMlp(weights, replacement, x, recovery.parameters), y);
}

/** The sum of the three projections' mean squared errors; down sees the target's own hidden activations. */
export function projectionLoss(
  weights: SlwWeights,
  replacement: RunReplacement,
  recovery: Recovery,
  batch: RowBatch,
): tf.Scalar {
  const x = tf.tensor2d(batch.x, [batch.count, weights.config.hidden_size]);
  const original = (role: MatrixRole, x: tf.Tensor2D) =>
    linear(weights, tensorName(weights.config, replacement.target, role), x);
  const through = recovered(weights, replacement, recovery.parameters);
  const [gate, up] = [original('gate', x), original('up', x)];
  const h = swiglu(gate, up);
  const errors = [
    meanSquaredError(through('gate', x), gate),
    meanSquaredError(through('up', x), up),
    meanSquaredError(through('down', h), original('down', h)),
  ];
  return tf.addN(errors);
}
