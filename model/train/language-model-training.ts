// Training a model, or recovery parameters on it, with the language-model loss: pretrain and sft are this.
import { tf } from '../../tensor/tf.ts';
import type { ExitLosses } from '../exits/exit-losses.ts';
import { type Batch, type Example, paddingFor, scaleWeights } from '../forward/batches.ts';
import { type Distillation, languageModelLoss, taughtStates } from '../forward/loss.ts';
import type { Model } from '../forward/model.ts';
import { type MicroBatchSettings, microBatches } from './micro-batches.ts';
import type { AdamSettings } from './optimizer.ts';
import { learningRate, type ScheduleSettings } from './schedule.ts';
import { type TrainTask, train } from './train.ts';

/** Settings of a language-model training; names as in specs. */
export interface LanguageModelSettings extends MicroBatchSettings, ScheduleSettings, AdamSettings {
  /** `mean` over a micro batch's tokens, averaged over micro batches (open-instruct's default), or over all tokens of a step (`sum`). */
  readonly reduce_loss: 'mean' | 'sum';
  /** Keep of each layer its input alone, and compute the rest again for the gradient; default false. */
  readonly gradient_checkpointing?: boolean | undefined;
  /** Losses at several depths; none is the last layer's alone. */
  readonly exits?: ExitLosses | undefined;
}

/** Optimiser steps that these settings give for `examples` examples. */
export function trainingSteps(examples: readonly Example[], settings: LanguageModelSettings): number {
  return microBatches(examples, settings).steps;
}

/** What goes on beside a training. */
export interface LanguageModelRun extends Pick<TrainTask<unknown>, 'save' | 'onProgress'> {
  /** A model of the same vocabulary, frozen, that the trained one is to come near. */
  readonly distilled?: (Distillation & { readonly teacher: Model }) | undefined;
}

/** A micro batch, with what the teacher's head sees of it where there is one. */
interface TaughtBatch {
  readonly batch: Batch;
  readonly states?: Float32Array;
}

/** Trains `variables` (weights or recovery parameters of `model`) in place; returns the loss of every step. */
export async function trainLanguageModel(
  model: Model,
  variables: ReadonlyMap<string, tf.Variable>,
  examples: readonly Example[],
  settings: LanguageModelSettings,
  run: LanguageModelRun = {},
): Promise<{ losses: number[] }> {
  const { steps, of } = microBatches(examples, settings, paddingFor(model.config));
  const trained: Model = { ...model, recomputes: settings.gradient_checkpointing };
  const scored = tokenCounter(of);
  return train<TaughtBatch>({
    variables,
    steps,
    adam: settings,
    learningRate: (step) => learningRate(settings, step, steps),
    batches: (step) => withTeacher(weigh(scored.of(step), settings.reduce_loss), run.distilled),
    loss({ batch, states }) {
      const taught = states && run.distilled && { ...run.distilled, states };
      return languageModelLoss(trained, batch, { exits: settings.exits, taught });
    },
    save: run.save,
    onProgress: (step, total, loss) => run.onProgress?.(step, total, loss, scored.until(step)),
  });
}

/** The teacher's passes come first, one after the other: none of their values waits for a gradient. */
async function withTeacher(
  batches: readonly Batch[],
  distilled: LanguageModelRun['distilled'],
): Promise<TaughtBatch[]> {
  const made: TaughtBatch[] = [];
  for (const batch of batches)
    made.push(distilled ? { batch, states: await readTeacher(distilled.teacher, batch) } : { batch });
  return made;
}

async function readTeacher(teacher: Model, batch: Batch): Promise<Float32Array> {
  const states = tf.tidy(() => taughtStates(teacher, batch));
  const values = (await states.data()) as Float32Array;
  states.dispose();
  return values;
}

/** The batches of each step, with the tokens that are scored up to it; what a saved state spared is counted once. */
function tokenCounter(of: (step: number) => Batch[]): { of(step: number): Batch[]; until(step: number): number } {
  const counts: number[] = [];
  const counted = (step: number) => {
    const batches = of(step);
    counts[step] = batches.reduce((sum, { count }) => sum + count, 0);
    return batches;
  };
  let [steps, tokens] = [0, 0];
  return {
    of: counted,
    until(step) {
      for (; steps < step; steps++) {
        if (counts[steps] === undefined) counted(steps);
        tokens += counts[steps] as number;
      }
      return tokens;
    },
  };
}

/** Weights of the tokens, so that the losses of a step's micro batches add up to the step's loss. */
function weigh(batches: Batch[], reduction: 'mean' | 'sum'): Batch[] {
  const tokens = batches.reduce((sum, { count }) => sum + count, 0);
  return batches.map((batch) => scaleWeights(batch, 1 / (reduction === 'sum' ? tokens : batch.count * batches.length)));
}
