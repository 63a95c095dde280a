// What training stages tell: progress by step, and the curve that they leave behind.
import { writeFile } from 'node:fs/promises';
import type { StageContext } from '../../contract/stage.ts';
import { learningRate, type ScheduleSettings } from '../../model/train/schedule.ts';
import type { TrainTask } from '../../model/train/train.ts';

/** Reports every step, and stops when the run was cancelled. */
export function reportSteps({
  progress,
  signal,
}: Pick<StageContext, 'progress' | 'signal'>): NonNullable<TrainTask<unknown>['onProgress']> {
  return (step, total, loss, tokens) => {
    signal.throwIfAborted();
    const measured = { loss, ...(tokens !== undefined && { tokens }) };
    progress({ done: step, total, of: 'step', note: `loss ${loss.toFixed(3)}`, measured });
  };
}

/** Writes the loss and the learning rate of each step (counted from 1), to five digits. */
export async function writeCurve(path: string, losses: readonly number[], schedule: ScheduleSettings): Promise<void> {
  const round = (value: number) => Number(value.toPrecision(5));
  const curve = {
    steps: losses.length,
    final_loss: round(losses.at(-1) ?? 0),
    loss: losses.map(round),
    lr: losses.map((_, step) => round(learningRate(schedule, step, losses.length))),
  };
  await writeFile(path, `${JSON.stringify(curve)}\n`);
}
