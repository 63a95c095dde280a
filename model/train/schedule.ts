// Learning rates by step.
import { UserError } from '../../util/errors.ts';

/** How the learning rate moves after warm-up. */
export const schedules = ['constant', 'linear', 'cosine'] as const;
export type Schedule = (typeof schedules)[number];

/** The settings of a schedule; `warmup_ratio` of the steps rise linearly from 0, rounded down as in open-instruct. */
export interface ScheduleSettings {
  readonly schedule: Schedule;
  readonly lr: number;
  readonly warmup_ratio: number;
}

/** The learning rate of step `step` (from 0) of `steps`; the same as transformers' schedules of these names. */
export function learningRate({ schedule, lr, warmup_ratio }: ScheduleSettings, step: number, steps: number): number {
  if (!(schedules as readonly string[]).includes(schedule)) {
    throw new UserError(`schedule '${schedule}' is unknown, expected one of ${schedules.join(', ')}`);
  }
  const warmup = Math.floor(steps * warmup_ratio);
  if (step < warmup) return (lr * step) / warmup;
  if (schedule === 'constant') return lr;
  const progress = (step - warmup) / Math.max(1, steps - warmup);
  return schedule === 'linear' ? lr * Math.max(0, 1 - progress) : lr * 0.5 * (1 + Math.cos(Math.PI * progress));
}
