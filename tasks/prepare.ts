// A task made ready for a model: its records read, its few-shot examples drawn, its requests built.
import { UserError } from '../util/errors.ts';
import { DocumentReader } from './document.ts';
import { FewshotSampler, type Harness } from './fewshot.ts';
import type { Doc } from './python-value.ts';
import { type Request, RequestBuilder } from './requests.ts';
import type { TaskConfig } from './task-config.ts';
import type { ReadSplit } from './task-data.ts';

/** How tasks are run. */
export interface EvaluateOptions {
  /** Instead of what the task files say; a task that says 0 keeps it, as in the harness. */
  num_fewshot: number | undefined;
  /** Only the first records of each task. */
  limit: number | undefined;
  /** Reproduce the harness's mistakes. */
  compat: boolean;
  harness: Harness;
  fewshot_seed: number;
  /** Resamples of a bootstrap; 0 leaves out all standard errors, as in the harness. */
  bootstrap: number;
  /** Instead of what the task files say. */
  max_gen_toks?: number | undefined;
}

/** A task with its requests built. */
export interface PreparedTask {
  config: TaskConfig;
  reader: DocumentReader;
  multipleInput: boolean;
  num_fewshot: number;
  data_hash: string;
  records: { doc: Doc; requests: Request[] }[];
}

/** Builds all requests of a task. */
export async function prepareTask(
  config: TaskConfig,
  read: ReadSplit,
  options: EvaluateOptions,
): Promise<PreparedTask> {
  const split = scoredSplit(config);
  const { docs, columns, hash } = await read(config, split);
  const reader = new DocumentReader(config, columns);
  const num_fewshot = config.num_fewshot === 0 ? 0 : (options.num_fewshot ?? config.num_fewshot ?? 0);
  const fewshot =
    num_fewshot === 0
      ? undefined
      : new FewshotSampler(config, reader, await fewshotDocs(config, read), {
          seed: options.fewshot_seed,
          harness: options.harness,
        });
  const builder = new RequestBuilder(config, reader, { first: docs[0] as Doc, num_fewshot, fewshot });
  const records = docs
    .slice(0, options.limit)
    .map((doc, i) => ({ doc, requests: named(split, i, () => builder.build(doc)) }));
  return { config, reader, multipleInput: builder.multipleInput, num_fewshot, data_hash: hash, records };
}

/** Names the record in what goes wrong with it. */
function named<T>(split: string, index: number, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${error.message} (record ${index + 1} of split '${split}')`);
    throw error;
  }
}

/** The split whose records are scored. */
export function scoredSplit({ task, test_split, validation_split, where }: TaskConfig): string {
  const split = test_split ?? validation_split;
  if (split !== undefined) return split;
  throw new UserError(`${where}: task '${task}' has neither 'test_split' nor 'validation_split'`);
}

/** The split that examples are drawn from: the named one, none for the file's own samples, else training, validation or test. */
export function examplesSplit(config: TaskConfig): string | undefined {
  const { fewshot_split, fewshot_config, training_split } = config;
  if (fewshot_split === undefined && fewshot_config.samples !== undefined) return undefined;
  return fewshot_split ?? training_split ?? config.validation_split ?? config.test_split;
}

async function fewshotDocs(config: TaskConfig, read: ReadSplit): Promise<Doc[]> {
  const split = examplesSplit(config);
  return split === undefined ? (config.fewshot_config.samples as Doc[]) : (await read(config, split)).docs;
}
