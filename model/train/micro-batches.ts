// The micro batches of each step of a training: which examples, in which order, and how many steps they give.
import { type Batch, type BatchPlan, batchesPerEpoch, batchSource, type Example } from '../forward/batches.ts';

/** Settings of the batches; names as in specs. */
export interface MicroBatchSettings extends Omit<BatchPlan, 'padding'> {
  /** Sequences per forward pass; a step accumulates `batch_size / micro_batch_size` of them. Default: batch_size. */
  readonly micro_batch_size?: number | undefined;
  readonly epochs: number;
  /** Greatest number of steps; none means what the epochs give. */
  readonly max_steps?: number | undefined;
}

/** All steps of a training. */
export interface MicroBatches {
  readonly steps: number;
  /** Those of a step (from 0), a function of the step alone; the last step of all may have fewer. */
  of(step: number): Batch[];
}

export function microBatches(
  examples: readonly Example[],
  settings: MicroBatchSettings,
  padding?: BatchPlan['padding'],
): MicroBatches {
  const plan = { ...settings, batch_size: microSize(settings), padding };
  const perStep = Math.max(1, Math.round(settings.batch_size / plan.batch_size));
  const total = settings.epochs * batchesPerEpoch(examples, plan);
  const source = batchSource(examples, plan);
  return {
    steps: Math.min(Math.ceil(total / perStep), settings.max_steps ?? Number.POSITIVE_INFINITY),
    of(step) {
      const count = Math.min(perStep, total - step * perStep);
      return Array.from({ length: count }, (_, i) => source(step * perStep + i));
    },
  };
}

function microSize({ batch_size, micro_batch_size = batch_size }: MicroBatchSettings): number {
  return Math.min(batch_size, micro_batch_size);
}
