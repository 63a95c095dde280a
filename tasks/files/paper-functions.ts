// The Python functions that the task files of the paper's Table 6 name.
import { compileRegex } from '../../python/regex.ts';
import { rstrip, strip } from '../../python/text.ts';
import type { Doc, Value } from '../../python/value.ts';
import { firstMaximum } from './first-maximum.ts';
import type { Loglikelihood } from './scorer.ts';
import { type Answer, doc, field, processDocs, processResults, type TaskFunctions } from './task-function.ts';

export const paperFunctions: TaskFunctions = {
  'winogrande/preprocess_winogrande.doc_to_text': doc(winograndeText),
  'winogrande/preprocess_winogrande.doc_to_target': doc(winograndeTarget),
  'winogrande/preprocess_winogrande.doc_to_choice': doc(winograndeChoices),
  'medmcqa/utils_medmcqa.doc_to_text': doc(medmcqaText),
  'mathqa/utils.doc_to_choice': doc(mathqaChoices),
  'mutual/utils.process_docs': processDocs(mutualDoc),
  'mutual/utils.process_results': processResults(mutualResults),
};

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
function mutualResults(doc: Doc, answers: readonly Answer[], compat: boolean): Record<string, number> {
  const results = answers as readonly Loglikelihood[];
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
