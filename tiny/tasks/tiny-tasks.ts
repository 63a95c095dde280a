// The registry of the generators of task data: all of the paper's 14 tasks, in the layouts of their data sets.
import { knowledgeTasks } from './knowledge.ts';
import { readingTasks } from './reading.ts';
import { reasoningTasks } from './reasoning.ts';
import { senseTasks } from './sense.ts';
import type { TinyTask } from './tiny-task.ts';

/** The generators; QA4MRE is three tasks, of BBH there are the two that tasks/definitions has. */
export const tinyTasks: readonly TinyTask[] = [...knowledgeTasks, ...readingTasks, ...senseTasks, ...reasoningTasks];
