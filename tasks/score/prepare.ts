// A task made ready for a model: its records read, its few-shot examples drawn, its requests built.
import type { Doc } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';
import type { TaskConfig } from '../files/task-config.ts';
import type { TaskChat } from './chat.ts';
import { DocumentReader } from './document.ts';
import { FewshotSampler, type Harness } from './fewshot.ts';
import { type Request, RequestBuilder } from './requests.ts';
import { goldOf, type ScoreContext } from './score-record.ts';
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
  /** Before everything else, and before the task's description. */
  system_instruction?: string | undefined;
  /** Puts every request into the model's chat template. */
  chat?: TaskChat | undefined;
}

/** A task with its requests built. */
export interface PreparedTask {
  config: TaskConfig;
  reader: DocumentReader;
  multipleInput: boolean;
  num_fewshot: number;
  data_hash: string;
  records: { doc: Doc; requests: Request[] }[];
  /** Records whose answer is none of their choices. */
  unanswered: number;
}

/** Builds all requests of a task. */
export async function prepareTask(
  config: TaskConfig,
  read: ReadSplit,
  options: EvaluateOptions,
): Promise<PreparedTask> {
  const split = scoredSplit(config);
  const { docs, columns, places, hash } = await read(config, split);
  const reader = new DocumentReader(config, columns);
  const num_fewshot = exampleCount(config, options.num_fewshot);
  const fewshot =
    num_fewshot === 0
      ? undefined
      : new FewshotSampler(config, reader, await fewshotDocs(config, read), {
          seed: options.fewshot_seed,
          harness: options.harness,
        });
  const at = (i: number) => `record ${i + 1} of split '${split}', ${places[i]}`;
  const first = docs[0] as Doc;
  const builder = named(at(0), () => new RequestBuilder(config, reader, { ...options, first, num_fewshot, fewshot }));
  const records = docs
    .slice(0, options.limit)
    .map((doc, i) => ({ doc, requests: named(at(i), () => checked(builder.build(doc))) }));
  const { multipleInput } = builder;
  const scored = records.map(({ doc }) => doc);
  const unanswered = countUnanswered({ config, reader, multipleInput, compat: options.compat }, scored, split);
  return { config, reader, multipleInput, num_fewshot, data_hash: hash, records, unanswered };
}

/** No tokenizer has a token for half of a surrogate pair. */
function checked(requests: Request[]): Request[] {
  const bad = requests.flatMap(textsOf).find((text) => !text.isWellFormed());
  if (bad === undefined) return requests;
  throw new UserError('a text has half of a surrogate pair, expected whole characters');
}

function textsOf(request: Request): string[] {
  if (request.kind === 'rolling') return [request.text];
  return request.kind === 'generate' ? [request.context] : [request.context, request.continuation];
}

/** How many records have an answer that is none of their choices, and so count as wrong; where all have, there is nothing to score. */
function countUnanswered(context: ScoreContext, docs: readonly Doc[], split: string): number {
  const { config, reader } = context;
  if (config.output_type !== 'multiple_choice' || config.process_results !== undefined) return 0;
  const isAnswered = (doc: Doc) => goldOf(context, doc, reader.choices(doc)).some((index) => index >= 0);
  const count = docs.filter((doc) => !isAnswered(doc)).length;
  if (count < docs.length) return count;
  throw new UserError(
    `${config.doc_to_target.where}: task '${config.task}': the answer of no record of split '${split}' is one of its choices: are its labels hidden (-1), or numbers read as text from a CSV file?`,
  );
}

/** Names the record in what goes wrong with it. */
function named<T>(record: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${error.message} (${record})`);
    throw error;
  }
}

/** Examples before each record, where `asked` are asked for: a task that says 0 keeps it, as in the harness. */
export function exampleCount({ num_fewshot }: TaskConfig, asked: number | undefined): number {
  return num_fewshot === 0 ? 0 : (asked ?? num_fewshot ?? 0);
}

/** The splits that a task reads, with its examples or without. */
export function splitsRead(config: TaskConfig, hasExamples: boolean): string[] {
  const examples = hasExamples ? examplesSplit(config) : undefined;
  return [...new Set([scoredSplit(config), ...(examples === undefined ? [] : [examples])])];
}

/** The split whose records are scored. */
export function scoredSplit({ task, test_split, validation_split, where }: TaskConfig): string {
  const split = test_split ?? validation_split;
  if (split !== undefined) return split;
  throw new UserError(`${where}: task '${task}' has neither 'test_split' nor 'validation_split'`);
}

/** The split that examples are drawn from: the named one, none for the file's own samples, else training, validation or test. */
function examplesSplit(config: TaskConfig): string | undefined {
  const { fewshot_split, fewshot_config, training_split } = config;
  if (fewshot_split === undefined && fewshot_config.samples !== undefined) return undefined;
  return fewshot_split ?? training_split ?? config.validation_split ?? config.test_split;
}

async function fewshotDocs(config: TaskConfig, read: ReadSplit): Promise<Doc[]> {
  const split = examplesSplit(config);
  return split === undefined ? (config.fewshot_config.samples as Doc[]) : (await read(config, split)).docs;
}
