// The metrics of one record from the model's answers to its requests.
import { codePoints, piecesBetweenSpace } from '../../python/text.ts';
import { type Doc, numberOf, str, type Value } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';
import { firstMaximum } from '../files/first-maximum.ts';
import type { MatchOptions } from '../files/metric-config.ts';
import type { Loglikelihood } from '../files/scorer.ts';
import type { TaskConfig } from '../files/task-config.ts';
import type { Answer, Item, ResultsFunction } from '../files/task-function.ts';
import type { DocumentReader } from './document.ts';

/** Who scores: the task, its records' reader, and how faithful to the harness's mistakes. */
export interface ScoreContext {
  config: TaskConfig;
  reader: DocumentReader;
  multipleInput: boolean;
  compat: boolean;
}

/** The metrics of `doc`. */
export function scoreRecord(context: ScoreContext, doc: Doc, answers: readonly Answer[]): Record<string, Item> {
  const { config, compat } = context;
  if (config.process_results !== undefined) return ownResults(config, config.process_results, doc, answers, compat);
  const pairs = answers as readonly Loglikelihood[];
  const { output_type } = config;
  if (output_type === 'multiple_choice') return pickMetrics(config, scoreChoices(context, doc, pairs));
  if (output_type === 'loglikelihood') {
    const [{ logprob, is_greedy }] = pairs as [Loglikelihood];
    return pickMetrics(config, { perplexity: logprob, acc: Number(is_greedy) });
  }
  if (output_type === 'loglikelihood_rolling')
    return pickMetrics(config, scoreText(context, doc, answers[0] as number));
  return scoreGenerated(context, doc, answers[0] as string);
}

function ownResults(
  { where }: TaskConfig,
  process: ResultsFunction,
  doc: Doc,
  answers: readonly Answer[],
  compat: boolean,
): Record<string, Item> {
  try {
    return process(doc, answers, compat);
  } catch (error) {
    if (error instanceof TypeError) throw new UserError(`${where}: 'process_results': ${error.message}`);
    throw error;
  }
}

function pickMetrics(config: TaskConfig, found: Record<string, Item>): Record<string, Item> {
  const names = config.metrics.map(({ metric }) => metric).filter((metric) => Object.hasOwn(found, metric));
  return Object.fromEntries(names.map((metric) => [metric, found[metric] as Item]));
}

function scoreChoices(context: ScoreContext, doc: Doc, answers: readonly Loglikelihood[]): Record<string, Item> {
  const { reader, config, compat } = context;
  const choices = reader.choices(doc);
  const { scored, alone } = splitAnswers(answers, choices.length, compat && hasMutualInformation(config));
  const logprobs = scored.map(({ logprob }) => logprob);
  const gold = goldOf(context, doc, choices);
  const right = (values: readonly number[]) => Number(gold.some((index) => index === firstMaximum(values)));
  const byLength = (length: (choice: string) => number) =>
    logprobs.map((logprob, i) => logprob / length(choices[i] as string));
  return {
    acc: right(logprobs),
    acc_norm: right(byLength(codePoints)),
    acc_bytes: right(byLength((choice) => Buffer.byteLength(choice))),
    exact_match: Number(gold.some((index) => index >= 0 && answers[index]?.is_greedy === true)),
    ...(alone.length === 0
      ? {}
      : { acc_mutual_info: right(logprobs.map((logprob, i) => logprob - (alone[i]?.logprob as number))) }),
  };
}

function hasMutualInformation({ metrics }: TaskConfig): boolean {
  return metrics.some(({ metric }) => metric === 'acc_mutual_info');
}

/**
 * The choices' own scores, and those of the choices without context where acc_mutual_info asks for them. The harness sends
 * the latter after the former but reads the two as taking turns; `interleaved` does so too.
 */
function splitAnswers(answers: readonly Loglikelihood[], count: number, interleaved: boolean) {
  if (answers.length !== 2 * count) return { scored: answers, alone: [] };
  if (!interleaved) return { scored: answers.slice(0, count), alone: answers.slice(count) };
  return { scored: answers.filter((_, i) => i % 2 === 0), alone: answers.filter((_, i) => i % 2 === 1) };
}

/** Indexes of the right choices; -100 for one that is none of them, which counts as wrong. */
export function goldOf({ reader, multipleInput }: ScoreContext, doc: Doc, choices: readonly string[]): number[] {
  const gold = multipleInput ? reader.text(doc) : reader.target(doc);
  const index = (value: Value): number => {
    const number = numberOf(value);
    if (number !== undefined) return number < choices.length ? number : -100;
    const found = choices.indexOf(str(value));
    return found < 0 ? -100 : found;
  };
  return Array.isArray(gold) ? gold.map(index) : [index(gold)];
}

/** Words and bytes are those of the target, which is the page as it stands in the data. */
function scoreText({ reader }: ScoreContext, doc: Doc, logprob: number): Record<string, Item> {
  const text = str(reader.target(doc));
  const bytes = Buffer.byteLength(text);
  const words = piecesBetweenSpace(text);
  return {
    word_perplexity: [logprob, words],
    byte_perplexity: [logprob, bytes],
    bits_per_byte: [logprob, bytes],
  };
}

function scoreGenerated({ config, reader }: ScoreContext, doc: Doc, answer: string): Record<string, Item> {
  const references = referencesOf(config, reader, doc);
  const scores = config.metrics.map(({ metric, match }): [string, Item] => [
    metric,
    Number(references.some((reference) => plain(reference, match) === plain(answer, match))),
  ]);
  return Object.fromEntries(scores);
}

/** The texts of which a generated answer must be one. */
export function referencesOf(config: TaskConfig, reader: DocumentReader, doc: Doc): string[] {
  const target = reader.target(doc);
  if (config.doc_to_choice !== undefined) return [reader.choice(doc, target)];
  return Array.isArray(target) ? target.map(str) : [str(target)];
}

/** What exact_match compares. */
function plain(text: string, options: MatchOptions): string {
  const { regexes_to_ignore, ignore_case, ignore_punctuation, ignore_numbers } = options;
  let rest = regexes_to_ignore.reduce((now, pattern) => pattern.remove(now), text);
  if (ignore_case) rest = rest.toLowerCase();
  if (ignore_punctuation) rest = rest.replace(/[!-/:-@[-`{-~]/g, '');
  return ignore_numbers ? rest.replace(/[0-9]/g, '') : rest;
}
