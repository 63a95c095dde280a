// The tasks of the task benchmark: what is asked, how often, and how both sides are set.

/** A task as both sides run it. */
export interface TaskWorkload {
  /** Its name in tasks/definitions. */
  task: string;
  /** What it stands for, in the result table. */
  label: string;
  num_fewshot: number;
  /** Records that are scored; as many again are there for examples. */
  records: number;
  max_gen_toks: number;
}

/** One of each kind of request, and one with examples before each record. */
export const taskWorkloads: readonly TaskWorkload[] = [
  { task: 'commonsense_qa', label: 'choice of letters', num_fewshot: 0, records: 120, max_gen_toks: 0 },
  { task: 'arc_easy', label: 'choice of short texts', num_fewshot: 0, records: 120, max_gen_toks: 0 },
  { task: 'sciq', label: 'choice after a passage', num_fewshot: 0, records: 60, max_gen_toks: 0 },
  { task: 'piqa', label: 'choice, 2 examples', num_fewshot: 2, records: 60, max_gen_toks: 0 },
  { task: 'lambada_openai', label: 'last word', num_fewshot: 0, records: 200, max_gen_toks: 0 },
  { task: 'gsm8k', label: 'generation, 1 example', num_fewshot: 1, records: 64, max_gen_toks: 64 },
];

/** Inputs side by side: what each side was fastest with (bench/README.md). */
export const batchSizes = { lamina: { scoring: 8, generation: 32 }, harness: 32 };

export const taskThreads = 1;

/** The seed of the few-shot examples, the harness's default. */
export const fewshotSeed = 1234;
