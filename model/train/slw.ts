// Stage 1 of SHARP, single-layer warm-up: recovery parameters of one target that imitate its original MLP (methods A.6).
import type { ReplayInput } from '../../tensor/backend/replay.ts';
import { meanSquaredError, swiglu } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { Weights } from '../architecture/weights.ts';
import { recovered, replacedMlp } from '../forward/mlp.ts';
import { createRecovery, type Recovery, type RecoverySettings, type RecoveryTensors } from '../sharing/recovery.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import { adamDefaults } from './optimizer.ts';
import { type ReplayedTask, trainReplayed } from './replayed-training.ts';
import { type ActivationRows, rowBatches } from './slw-batches.ts';
import { frozenColumns, type KeptLimits, keptLimits } from './slw-columns.ts';
import { type FrozenValues, frozenValues } from './slw-frozen.ts';
import { keepFrozen } from './slw-kept.ts';

/** Settings of SLW; Adam at a constant rate, 5 epochs and lr 1e-3 are the paper's. */
export interface SlwSettings extends RecoverySettings {
  readonly lr: number;
  readonly epochs: number;
  /** Tokens per step. */
  readonly batch_tokens: number;
  /** `mlp`: one loss at the MLP's output, the three matrices together; `projection`: one regression for each. */
  readonly granularity: 'mlp' | 'projection';
}

/** Where the state of a fit is saved, who is told of its steps, and how many bytes of frozen values are kept. */
export interface SlwRun extends Pick<ReplayedTask, 'save' | 'onProgress'> {
  readonly kept?: KeptLimits | undefined;
}

/** What SLW needs of a model: the MLPs of reference and target. */
export type SlwWeights = Pick<Weights, 'config' | 'get' | 'input'>;

/**
 * Fits the recovery parameters of a replacement to what the target's own MLP makes of `rows`, the inputs [n, D] of that MLP in the
 * original model. What frozen matrices make of a row is computed once where it can be kept. The caller frees the recovery; `losses`
 * has the loss of every step.
 */
export async function warmUp(
  weights: SlwWeights,
  replacement: RunReplacement,
  rows: ActivationRows,
  settings: SlwSettings,
  { kept = keptLimits, ...run }: SlwRun = {},
): Promise<{ recovery: Recovery; losses: number[] }> {
  const { config } = weights;
  const recovery = createRecovery(config, [replacement], settings, weights);
  if (recovery.parameters.size === 0) return { recovery, losses: [] };
  const form = { candidate: replacement.candidate, granularity: settings.granularity };
  const columns = frozenColumns(form, config);
  const frozen = await keepFrozen(weights, replacement, columns, rows.rows, kept, run.save?.folder);
  try {
    const { steps, batch } = rowBatches(rows, config.hidden_size, settings, frozen.fill);
    const { losses } = await trainReplayed({
      variables: recovery.parameters,
      steps,
      adam: adamDefaults,
      learningRate: () => settings.lr,
      async batch(step) {
        const { chosen, x } = await batch(step);
        const values = await frozen.gather(chosen);
        const given = frozen.columns.map(({ name, width }) => matrix(values.get(name) as Float32Array, width));
        return [matrix(x, config.hidden_size), ...given];
      },
      loss([x, ...given], parameters) {
        const known = new Map(frozen.columns.map(({ name }, i) => [name, given[i] as tf.Tensor2D]));
        const fit = { weights, replacement, parameters, x: x as tf.Tensor2D };
        const value = frozenValues(weights, replacement, fit.x, known);
        return settings.granularity === 'mlp' ? mlpLoss(fit, value) : projectionLoss(fit, value);
      },
      ...run,
    });
    return { recovery, losses };
  } finally {
    await frozen.close();
  }
}

const matrix = (data: Float32Array, width: number): ReplayInput => ({ data, shape: [data.length / width, width] });

interface Fit {
  readonly weights: SlwWeights;
  readonly replacement: RunReplacement;
  readonly parameters: RecoveryTensors;
  /** [N, D] */
  readonly x: tf.Tensor2D;
}

/** Mean over tokens and features of the squared error at the MLP's output, before the residual add (equation 2, its typo mended). */
function mlpLoss({ weights, replacement, parameters, x }: Fit, frozen: FrozenValues): tf.Scalar {
  const known = { gate: () => frozen('shared_gate'), up: () => frozen('shared_up') };
  return meanSquaredError(replacedMlp(weights, replacement, x, parameters, known), frozen('output'));
}

/** The sum of the three projections' mean squared errors; down sees the target's own hidden activations. */
function projectionLoss({ weights, replacement, parameters, x }: Fit, frozen: FrozenValues): tf.Scalar {
  const known = {
    gate: () => frozen('shared_gate'),
    up: () => frozen('shared_up'),
    down: () => frozen('shared_down'),
  };
  const through = recovered(weights, replacement, parameters, known);
  const h = swiglu(frozen('gate'), frozen('up'));
  const errors = [
    meanSquaredError(through('gate', x), frozen('gate')),
    meanSquaredError(through('up', x), frozen('up')),
    meanSquaredError(through('down', h), frozen('output')),
  ];
  return tf.addN(errors);
}
