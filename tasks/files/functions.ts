// The Python functions that the task files of Table 6 name with `!function`, built in: no code of a task folder is ever run.
import { basename } from 'node:path';
import type { Span } from '../../located/located.ts';
import { compileRegex } from '../../python/regex.ts';
import { rstrip, strip } from '../../python/text.ts';
import type { Doc, Value } from '../../python/value.ts';
import { mistake } from './located-fields.ts';
import type { Loglikelihood } from './scorer.ts';

/** A function of one record. */
export type DocFunction = (doc: Doc) => Value;
/** The scores of one record, by metric. */
export type ResultsFunction = (doc: Doc, results: readonly Loglikelihood[], compat: boolean) => Record<string, number>;

/** What a task file may name, by `folder/module.function`. */
export type TaskFunction =
  | { kind: 'doc'; call: DocFunction }
  | { kind: 'process_docs'; call: (doc: Doc) => Doc }
  | { kind: 'process_results'; call: ResultsFunction };

const functions: Record<string, TaskFunction> = {
  'winogrande/preprocess_winogrande.doc_to_text': { kind: 'doc', call: winograndeText },
  'winogrande/preprocess_winogrande.doc_to_target': { kind: 'doc', call: winograndeTarget },
  'winogrande/preprocess_winogrande.doc_to_choice': { kind: 'doc', call: winograndeChoices },
  'medmcqa/utils_medmcqa.doc_to_text': { kind: 'doc', call: medmcqaText },
  'mathqa/utils.doc_to_choice': { kind: 'doc', call: mathqaChoices },
  'mutual/utils.process_docs': { kind: 'process_docs', call: mutualDoc },
  'mutual/utils.process_results': { kind: 'process_results', call: mutualResults },
};

/** The built-in function that `name`, written at `span`, stands for; anything else is a UserError with file and line. */
export function findFunction(name: string, span: Span, kind: TaskFunction['kind']): TaskFunction {
  const full = `${basename(span.source.folder)}/${name}`;
  const found = Object.hasOwn(functions, full) ? functions[full] : undefined;
  if (found?.kind === kind) return found;
  throw mistake(
    span,
    found === undefined
      ? `unknown function '${name}': lamina runs no Python, and '${full}' is none of the seven that it has built in, those of winogrande, medmcqa, mathqa and mutual (docs/tasks.md)`
      : `the function '${name}' cannot stand here, it is one for '${found.kind}'`,
  );
}

function field(doc: Doc, name: string): string {
  const value = doc[name];
  if (typeof value === 'string') return value;
  throw new TypeError(`expected a text in '${name}'`);
}

/** The index of the option that fills the blank; winogrande's choices are contexts. */
function winograndeText(doc: Doc): Value {
  const index = ['1', '2'].indexOf(field(doc, 'answer'));
  if (index < 0) throw new TypeError("expected '1' or '2' in 'answer'");
  return index;
}

function blankOf(doc: Doc): { before: string; after: string } {
  const sentence = field(doc, 'sentence');
  const blank = sentence.indexOf('_');
  if (blank < 0) throw new TypeError("expected a '_' in 'sentence'");
  return { before: sentence.slice(0, blank), after: sentence.slice(blank + 1) };
}

function winograndeTarget(doc: Doc): Value {
  return strip(blankOf(doc).after);
}

function winograndeChoices(doc: Doc): Value {
  const { before } = blankOf(doc);
  return ['option1', 'option2'].map((option) => before + field(doc, option));
}

function medmcqaText(doc: Doc): Value {
  const choices = ['a', 'b', 'c', 'd'].map((letter) => `${letter.toUpperCase()}. ${field(doc, `op${letter}`)}\n`);
  return `Question: ${field(doc, 'question')}\nChoices:\n${choices.join('')}Answer:`;
}

const mathqaOption = compileRegex('[abcd] \\) .*?, |e \\) .*?$', 'mathqa');

/** `a ) 38 , b ) 27.675 , ...` without the letters. */
function mathqaChoices(doc: Doc): Value {
  return mathqaOption
    .findall(field(doc, 'options'))
    .map((option) => rstrip([...(option as string)].slice(4).join(''), ' ,'));
}

/** Pairs of what is replaced, in this order. */
const mutualReplacements: [string, string][] = [
  [" '", "'"],
  [' \n', '\n'],
  ['\n ', '\n'],
  [" n't", "n't"],
  ['`` ', '"'],
  ["''", '"'],
  ...[':', ';', '!', '?', ',', '.'].map((mark): [string, string] => [` ${mark}`, mark]),
];

function detokenize(text: Value): Value {
  if (typeof text !== 'string') throw new TypeError("expected texts in 'article' and 'options'");
  return mutualReplacements.reduce((whole, [from, to]) => whole.replaceAll(from, to), text);
}

function mutualDoc(doc: Doc): Doc {
  const options = doc.options;
  if (!Array.isArray(options)) throw new TypeError("expected a list in 'options'");
  return { ...doc, article: detokenize(doc.article as Value), options: options.map(detokenize) };
}

/**
 * r@1, r@2 and mrr. The harness takes the argmax over (log-likelihood, greedy) pairs flattened to one list, so its r@1 is the
 * share of records whose answer is B unless some option is greedy; with `compat` so does this. `acc` is always what r@1 means to be.
 */
function mutualResults(doc: Doc, results: readonly Loglikelihood[], compat: boolean): Record<string, number> {
  const gold = ['A', 'B', 'C', 'D'].indexOf(field(doc, 'answers'));
  const answer = results[gold];
  if (answer === undefined) throw new TypeError("expected A, B, C or D in 'answers'");
  const rank = results.filter((other) => isBefore(other, answer)).length;
  const flat = results.flatMap(({ logprob, is_greedy }) => [logprob, Number(is_greedy)]);
  const acc = Number(firstMaximum(results.map(({ logprob }) => logprob)) === gold);
  const first = compat ? firstMaximum(flat) === gold : rank === 0;
  const second = compat ? rank === 1 || first : rank <= 1;
  return { 'r@1': Number(first), 'r@2': Number(second), mrr: 1 / (rank + 1), acc };
}

/** Descending order of (log-likelihood, greedy) pairs. */
function isBefore(a: Loglikelihood, b: Loglikelihood): boolean {
  return a.logprob === b.logprob ? a.is_greedy && !b.is_greedy : a.logprob > b.logprob;
}

/** numpy's argmax: the first of the largest; a NaN is larger than all. */
export function firstMaximum(values: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    const [value, leader] = [values[i] as number, values[best] as number];
    if (value > leader || (Number.isNaN(value) && !Number.isNaN(leader))) best = i;
  }
  return best;
}
