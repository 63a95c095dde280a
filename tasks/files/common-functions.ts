// The Python functions of tasks that papers on pruning and sharing are compared on, as harness 0.4.5 has them: HellaSwag, WikiText, RACE,
// TruthfulQA and MMLU-Pro.
import { literalValue } from '../../python/literal.ts';
import { compileRegex } from '../../python/regex.ts';
import { capitalize, piecesBetweenSpace, strip } from '../../python/text.ts';
import { type Doc, isMapping, numberOf, type Value } from '../../python/value.ts';
import { detokenize } from './detokenize.ts';
import type { Loglikelihood } from './scorer.ts';
import {
  type Answer,
  doc,
  field,
  type Item,
  processDocs,
  processResults,
  type TaskFunctions,
  texts,
} from './task-function.ts';

const subjects = [
  ...['biology', 'business', 'chemistry', 'computer science', 'economics', 'engineering', 'health', 'history'],
  ...['law', 'math', 'other', 'philosophy', 'physics', 'psychology'],
];

export const commonFunctions: TaskFunctions = {
  'hellaswag/utils.process_docs': processDocs(hellaswagDoc),
  'wikitext/preprocess_wikitext.wikitext_detokenizer': doc((page) => detokenize(field(page, 'page'))),
  'wikitext/preprocess_wikitext.process_results': processResults(wikitextResults),
  'race/preprocess_race.doc_to_text': doc(raceText),
  'race/preprocess_race.doc_to_target': doc((article) => letterOf(lastProblem(article))),
  'race/preprocess_race.doc_to_choice': doc(raceChoices),
  'truthfulqa/utils.process_results_mc2': processResults(truthfulResults),
  'mmlu_pro/utils.doc_to_text': doc((question) => mmluProText(question, "Answer: Let's think step by step.")),
  'mmlu_pro/utils.fewshot_to_text': doc((question) => mmluProText(question, `${mmluProThoughts(question)}\n\n`)),
  ...Object.fromEntries(
    subjects.map((subject) => [
      `mmlu_pro/utils.process_${subject.replace(' ', '_')}`,
      processDocs((question) => (question.category === subject ? question : undefined)),
    ]),
  ),
};

const brackets = compileRegex('\\[.*?\\]', 'hellaswag');

/** Without what the WikiHow part of the data has in brackets. */
function hellaswagText(text: string): string {
  return brackets.remove(strip(text).replaceAll(' [title]', '. ')).replaceAll('  ', ' ');
}

function hellaswagDoc(record: Doc): Doc {
  const context = `${field(record, 'ctx_a')} ${capitalize(field(record, 'ctx_b'))}`;
  const gold = typeof record.label === 'string' ? strip(record.label) : String(numberOf(record.label ?? null));
  if (!/^[0-9]+$/.test(gold))
    throw new TypeError("expected the number of an ending in 'label' (a test split hides it)");
  return {
    ...record,
    query: hellaswagText(`${field(record, 'activity_label')}: ${context}`),
    choices: texts(record, 'endings').map(hellaswagText),
    gold: Number(gold),
  };
}

/** Words and bytes are those of the page as it stands in the data, before its tokens are joined again. */
function wikitextResults(record: Doc, [logprob]: readonly Answer[]): Record<string, Item> {
  const page = field(record, 'page');
  const [words, bytes] = [piecesBetweenSpace(page), Buffer.byteLength(page)];
  const sum = logprob as number;
  return { word_perplexity: [sum, words], byte_perplexity: [sum, bytes], bits_per_byte: [sum, bytes] };
}

/** `problems` is a list in Python's notation. */
function problemsOf(article: Doc): Doc[] {
  const problems = literalValue(field(article, 'problems'));
  if (Array.isArray(problems) && problems.length > 0 && problems.every(isMapping)) return problems;
  throw new TypeError("expected a list of problems, in Python's notation, in 'problems'");
}

function lastProblem(article: Doc): Doc {
  return problemsOf(article).at(-1) as Doc;
}

function letterOf(problem: Doc): number {
  const index = ['A', 'B', 'C', 'D'].indexOf(field(problem, 'answer'));
  if (index < 0) throw new TypeError("expected A, B, C or D in 'answer'");
  return index;
}

function raceText(article: Doc): Value {
  const problems = problemsOf(article);
  const asked = problems.slice(0, -1).map((problem) => {
    const question = field(problem, 'question');
    const answer = texts(problem, 'options')[letterOf(problem)];
    if (answer === undefined) throw new TypeError("expected four texts in 'options'");
    return question.endsWith('  _  .')
      ? `${question.slice(-5)}${answer}\n`
      : `Question: ${question}\nAnswer: ${answer}\n`;
  });
  return `Article: ${field(article, 'article')}\n\n${asked.join('')}${field(problems.at(-1) as Doc, 'question')}`;
}

function raceChoices(article: Doc): Value {
  const options = texts(lastProblem(article), 'options');
  if (options.length < 4) throw new TypeError("expected four texts in 'options'");
  return options.slice(0, 4);
}

/** The share of the true answers in the probability of all; the true ones come first. */
function truthfulResults(record: Doc, answers: readonly Answer[]): Record<string, Item> {
  const targets = record.mc2_targets;
  const labels = isMapping(targets) ? targets.labels : undefined;
  const split = Array.isArray(labels) ? labels.findIndex((label) => numberOf(label) === 0) : -1;
  if (split < 0) throw new TypeError("expected labels with a 0 in 'mc2_targets'");
  const shares = (answers as readonly Loglikelihood[]).map(({ logprob }) => Math.exp(logprob));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const all = sum(shares.slice(0, split)) + sum(shares.slice(split));
  return { acc: sum(shares.slice(0, split).map((share) => share / all)) };
}

const letters = [...'ABCDEFGHIJKLMNOP'];

function mmluProText(question: Doc, end: string): Value {
  const options = texts(question, 'options');
  if (options.length > letters.length) throw new TypeError(`expected at most ${letters.length} texts in 'options'`);
  const listed = options.map((option, i) => `${letters[i]}. ${option}\n`);
  return `Question:\n${field(question, 'question')}\nOptions:\n${listed.join('')}${end}`;
}

function mmluProThoughts(question: Doc): string {
  return field(question, 'cot_content').replaceAll("A: Let's think step by step.", "Answer: Let's think step by step.");
}
