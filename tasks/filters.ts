// Filters: what is made of a model's answers before they are compared. A pipeline turns the answers to each record's request
// into what is scored; scores are reported by pipeline.
import { type Fields, lineOf } from './located-fields.ts';
import { compileRegex, type PythonRegex } from './python-regex.ts';
import { lstrip, strip } from './python-text.ts';
import { type Doc, str, type Value } from './python-value.ts';

/** Answers to one request (several where the task repeats it), or one answer once a filter has chosen. */
type Answers<T> = T | T[];
type Filter = <T>(answers: Answers<T>, doc: Doc) => Answers<T>;

export interface FilterPipeline {
  name: string;
  apply: Filter;
}

const takeFirst: Filter = (answers) => (Array.isArray(answers) ? (answers[0] as never) : answers);

/** What a task without `filter_list` does. */
const none: FilterPipeline = { name: 'none', apply: takeFirst };

/** The pipelines of `filter_list`. */
export function readFilters(fields: Fields): FilterPipeline[] {
  const listed = fields.maps('filter_list');
  if (listed === undefined || listed.length === 0) return [none];
  return listed.map((pipeline) => {
    pipeline.only(['name', 'filter']);
    const steps = (pipeline.maps('filter') ?? []).map(readFilter);
    return {
      name: pipeline.text('name') ?? 'none',
      apply: <T>(answers: Answers<T>, doc: Doc) => steps.reduce((now: Answers<T>, step) => step(now, doc), answers),
    };
  });
}

const filterNames = [
  ...['regex', 'multi_choice_regex', 'take_first', 'take_first_k', 'majority_vote'],
  ...['remove_whitespace', 'lowercase', 'uppercase', 'map'],
] as const;

function readFilter(fields: Fields): Filter {
  const name = fields.one('function', filterNames);
  switch (name) {
    case 'regex':
      return regexFilter(fields);
    case 'multi_choice_regex':
      return multiChoiceFilter(fields);
    case 'take_first_k':
      return takeSome(fields.count('k', 1) ?? 1);
    case 'majority_vote':
      return majority;
    case 'remove_whitespace':
      return each((text) => lstrip(text));
    case 'lowercase':
      return each((text) => text.toLowerCase());
    case 'uppercase':
      return each((text) => text.toUpperCase());
    case 'map':
      return mapFilter(fields);
    default:
      return takeFirst;
  }
}

/** Applies `change` to every answer that is a text. */
function each(change: (text: string, doc: Doc) => string): Filter {
  const one = <T>(answer: T, doc: Doc) => (typeof answer === 'string' ? (change(answer, doc) as T) : answer);
  return (answers, doc) => (Array.isArray(answers) ? answers.map((answer) => one(answer, doc)) : one(answers, doc));
}

const takeSome =
  (k: number): Filter =>
  (answers) =>
    Array.isArray(answers) ? answers.slice(0, k) : answers;

/** The commonest answer, the earliest of equals, as a list of one, as the harness has it. */
const majority: Filter = (answers) => {
  if (!Array.isArray(answers)) return answers;
  const counts = new Map<unknown, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return answers.filter((answer) => counts.get(answer) === most).slice(0, 1);
};

interface RegexOptions {
  regex: PythonRegex;
  group_select: number;
  fallback: string;
}

function regexOptions(fields: Fields): RegexOptions {
  const where = lineOf((fields.at('regex_pattern') ?? fields.map).span);
  const pattern = fields.text('regex_pattern') ?? '#### (\\-?[0-9\\.\\,]+)';
  const select = fields.at('group_select');
  const group_select = select?.kind === 'scalar' && Number.isInteger(select.value) ? (select.value as number) : 0;
  return { regex: compileRegex(pattern, where), group_select, fallback: fields.text('fallback') ?? '[invalid]' };
}

function regexFilter(fields: Fields): Filter {
  fields.only(['function', 'regex_pattern', 'group_select', 'fallback']);
  const { regex, group_select, fallback } = regexOptions(fields);
  return each((text) => pick(regex.findall(text), group_select) ?? fallback);
}

/** The match that `select` names, of several groups the first that is not empty; undefined when there is none. */
function pick(matches: (string | string[])[], select: number): string | undefined {
  const match = matches.at(select);
  const text = Array.isArray(match) ? match.find((group) => group !== '') : match;
  return text === undefined ? undefined : strip(text);
}

/** A letter in brackets, by the pattern, by the text of a choice, or by the letter after a colon. */
function multiChoiceFilter(fields: Fields): Filter {
  fields.only([
    ...['function', 'regex_pattern', 'group_select', 'fallback'],
    ...['ignore_case', 'ignore_punctuation', 'regexes_to_ignore'],
  ]);
  const { regex, group_select, fallback } = regexOptions(fields);
  const where = lineOf(fields.map.span);
  const ignored = (fields.texts('regexes_to_ignore') ?? []).map((pattern) => compileRegex(pattern, where));
  const [ignoreCase, ignorePunctuation] = [fields.flag('ignore_case'), fields.flag('ignore_punctuation')];
  const clean = (text: string) => {
    const rest = ignored.reduce((now, pattern) => pattern.remove(now), text);
    const cased = ignoreCase === true ? rest.toLowerCase() : rest;
    return ignorePunctuation === true ? cased.replace(/\p{P}/gu, '') : cased;
  };
  return each((text, doc) => {
    const direct = pick(regex.findall(text), group_select);
    if (direct) return direct;
    const choices = (doc.choices as Value[]).map((choice) => clean(strip(str(choice))));
    const letters = choices.map((_, i) => String.fromCharCode(65 + i));
    const byText = pick(firstOf(choices, clean(text)), group_select);
    if (byText) return choices.includes(byText) ? `(${letters[choices.lastIndexOf(byText)]})` : byText;
    const byLetter = pick(compileRegex(`:[\\s]*(${letters.join('|')})`, where).findall(text), group_select);
    return byLetter ? `(${byLetter})` : fallback;
  });
}

/** What `findall` of an alternation of literal texts gives. */
function firstOf(literals: readonly string[], text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const match = literals.find((literal) => text.startsWith(literal, at));
    if (match !== undefined) found.push(match);
    at += Math.max(1, match?.length ?? 1);
  }
  return found;
}

function mapFilter(fields: Fields): Filter {
  fields.only(['function', 'mapping_dict', 'default_value']);
  const table = fields.at('mapping_dict');
  const otherwise = fields.text('default_value');
  const entries = new Map<string, string>();
  if (table?.kind === 'map') {
    for (const [key, { value }] of table.entries) entries.set(key, value.kind === 'scalar' ? String(value.value) : '');
  }
  return each((text) => entries.get(text) ?? otherwise ?? text);
}
