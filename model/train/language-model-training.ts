// Training a model, or recovery parameters on it, with the language-model loss: pretrain and sft are this.
import type { tf } from '../../tensor/tf.ts';
import { type Batch, batchesPerEpoch, batchSource, type Example, scaleWeights } from '../forward/batches.ts';
import { languageModelLoss } from '../forward/loss.ts';
import type { Model } from '../forward/model.ts';
import type { AdamSettings } from './optimizer.ts';
import { learningRate, type ScheduleSettings } from './schedule.ts';
import { type TrainTask, train } from './train.ts';

/** Settings of a language-model training; names as in specs. */
export interface LanguageModelSettings extends ScheduleSettings, AdamSettings {
  /** Sequences per step. */
  readonly batch_size: number;
  /** Sequences per forward pass; a step accumulates `batch_size / micro_batch_size` of them. Default: batch_size. */
  readonly micro_batch_size?: number | undefined;
  readonly epochs: number;
  /** Greatest number of steps; none means what the epochs give. */
  readonly max_steps?: number | undefined;
  /** Longest sequence, in tokens. */
  readonly max_length: number;
  /** `mean` over a micro batch's tokens, averaged over micro batches (open-instruct's default), or over all tokens of a step (`sum`). */
  readonly reduce_loss: 'mean' | 'sum';
  readonly seed: number | string;
  /** Keep of each layer its input alone, and compute the rest again for the gradient; default false. */
  readonly gradient_checkpointing?: boolean | undefined;
  /** Put sequences of like length together; default true. */
  readonly bucketing?: boolean | undefined;
}

/** Optimiser steps that these settings give for `examples` examples. */
export function trainingSteps(examples: readonly Example[], settings: LanguageModelSettings): number {
  const steps = Math.ceil(microBatches(examples, settings) / accumulation(settings));
  return Math.min(steps, settings.max_steps ?? Number.POSITIVE_INFINITY);
}

/** Trains `variables` (weights or recovery parameters of `model`) in place; returns the loss of every step. */
export async function trainLanguageModel(
  model: Model,
  variables: ReadonlyMap<string, tf.Variable>,
  examples: readonly Example[],
  settings: LanguageModelSettings,
  run: Pick<TrainTask<Batch>, 'save' | 'onProgress'> = {},
): Promise<{ losses: number[] }> {
  const steps = trainingSteps(examples, settings);
  const source = batchSource(examples, { ...settings, batch_size: microSize(settings) });
  const total = microBatches(examples, settings);
  const perStep = accumulation(settings);
  const trained: Model = { ...model, recomputes: settings.gradient_checkpointing };
  return train<Batch>({
    variables,
    steps,
    adam: settings,
    learningRate: (step) => learningRate(settings, step, steps),
    batches(step) {
      const count = Math.min(perStep, total - step * perStep);
      return weigh(
        Array.from({ length: count }, (_, i) => source(step * perStep + i)),
        settings.reduce_loss,
      );
    },
    loss: (batch) => languageModelLoss(trained, batch),
    ...run,
  });
}

/** Weights of the tokens, so that the losses of a step's micro batches add up to the step's loss. */
function weigh(batches: Batch[], reduction: 'mean' | 'sum'): Batch[] {
  const tokens = batches.reduce((sum, { count }) => sum + count, 0);
  return batches.map((batch) => scaleWeights(batch, 1 / (reduction === 'sum' ? tokens : batch.count * batches.length)));
}

function microBatches(examples: readonly Example[], settings: LanguageModelSettings): number {
  return settings.epochs * batchesPerEpoch(examples, { ...settings, batch_size: microSize(settings) });
}

function microSize({ batch_size, micro_batch_size = batch_size }: LanguageModelSettings): number {
  return Math.min(batch_size, micro_batch_size);
}

function accumulation(settings: LanguageModelSettings): number {
  return Math.max(1, Math.round(settings.batch_size / microSize(settings)));
}
