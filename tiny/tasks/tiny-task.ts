// What a generator of task data for the tiny profile is, and the one way its records are numbered and seeded.
import type { JsonObject } from '../../util/json.ts';
import { createRandom, type Random } from '../../util/random.ts';

/** Records for one task of lm-evaluation-harness, in the columns of the data set that the task reads. */
export interface TinyTask {
  /** The task's name in its task file. */
  task: string;
  /** The split that is scored. */
  scored: string;
  /** The split that examples before a record are drawn from, where the task has one. */
  examples?: string;
  /** What one record asks, for people. */
  asks: string;
  /** Record `index` of a split. */
  write(random: Random, index: number): JsonObject;
}

/** `count` records of a split of stream `seed`; record i is the same whatever the count. */
export function* taskRecords({ task, write }: TinyTask, split: string, count: number, seed: number) {
  for (let i = 0; i < count; i++) yield write(createRandom('tiny-task', task, split, seed, i), i);
}
