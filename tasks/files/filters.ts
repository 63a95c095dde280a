// Filters: what is made of a model's answers before they are compared. A pipeline turns the answers to each record's request
// into what is scored; scores are reported by pipeline.
import { type Located, type Span, showValue } from '../../located/located.ts';
import { compileRegex, type PythonRegex } from '../../python/regex.ts';
import { lstrip, strip } from '../../python/text.ts';
import { type Doc, str } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';
import { type Fields, lineOf, plainValue } from './located-fields.ts';
import { patternsAt } from './metric-config.ts';

/** Answers to one request, several where the task repeats it; one of them once `take_first` has chosen. */
type Answers = readonly string[] | string;
type Filter = (answers: Answers, doc: Doc) => Answers;

export interface FilterPipeline {
  name: string;
  /** What is scored of the answers to one request. */
  apply(answers: readonly string[], doc: Doc): string;
}

/** A step, and whether it gives one answer where it is given several. */
interface Step {
  filter: Filter;
  chooses?: boolean;
}

const takeFirst: Step = { filter: (answers) => answers[0] ?? '', chooses: true };

/** What a task without `filter_list` does. */
const none: FilterPipeline = { name: 'none', apply: (answers) => answers[0] ?? '' };

/** The pipelines of `filter_list`. */
export function readFilters(
  fields: Fields,
  { generates, repeats }: { generates: boolean; repeats: number },
): FilterPipeline[] {
  const listed = fields.maps('filter_list');
  if (listed === undefined || listed.length === 0) return [none];
  const pipelines = listed.map((pipeline) => readPipeline(pipeline, generates, repeats));
  const names = pipelines.map(({ name }) => name);
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
  const repeated = listed[twice];
  if (repeated !== undefined) repeated.complain(repeated.map.span, `two pipelines are named '${names[twice]}'`);
  return pipelines;
}

/** The harness compares the one answer that a pipeline ends with; of scored choices it can only take the first. */
function readPipeline(fields: Fields, generates: boolean, repeats: number): FilterPipeline {
  fields.only(['name', 'filter']);
  const listed = fields.maps('filter') ?? [];
  const steps = listed.map((step) => readFilter(step, repeats));
  const others = listed.filter((_, i) => steps[i]?.chooses !== true);
  if (steps.at(-1)?.chooses !== true) {
    fields.complain(
      fields.map.span,
      "expected 'take_first' at the end of 'filter', which leaves the answer that is compared",
    );
  } else if (!generates && (others.length > 0 || steps.length > 1)) {
    fields.complain(fields.map.span, "expected 'take_first' alone: only generated answers can be filtered");
  }
  return {
    name: fields.text('name') ?? 'none',
    apply: (answers, doc) => steps.reduce((now: Answers, { filter }) => filter(now, doc), answers) as string,
  };
}

const filterNames = [
  ...['regex', 'multi_choice_regex', 'take_first', 'take_first_k', 'majority_vote'],
  ...['remove_whitespace', 'lowercase', 'uppercase', 'map'],
] as const;

function readFilter(fields: Fields, repeats: number): Step {
  const name = fields.one('function', filterNames);
  switch (name) {
    case undefined:
      if (fields.at('function') === undefined) fields.complain(fields.map.span, "expected 'function', a filter's name");
      return takeFirst;
    case 'regex':
      return { filter: regexFilter(fields) };
    case 'multi_choice_regex':
      return { filter: multiChoiceFilter(fields) };
    case 'take_first_k':
      return { filter: takeSome(fields, repeats) };
    case 'map':
      return { filter: mapFilter(fields) };
  }
  fields.only(['function']);
  switch (name) {
    case 'majority_vote':
      return { filter: majority };
    case 'remove_whitespace':
      return { filter: each((text) => lstrip(text)) };
    case 'lowercase':
      return { filter: each((text) => text.toLowerCase()) };
    case 'uppercase':
      return { filter: each((text) => text.toUpperCase()) };
    default:
      return takeFirst;
  }
}

/** Applies `change` to every answer; of one answer, as Python has it, to every character. */
function each(change: (text: string, doc: Doc) => string): Filter {
  return (answers, doc) => Array.from(answers, (answer) => change(answer, doc));
}

function takeSome(fields: Fields, repeats: number): Filter {
  fields.only(['function', 'k']);
  const k = fields.count('k', 1);
  if (k === undefined) fields.complain(fields.map.span, "expected 'k', how many answers to take");
  else if (k > repeats) fields.complain(fields.map.span, `'k' is ${k}, but the task has 'repeats' of ${repeats}`);
  return (answers) => Array.from(answers).slice(0, k);
}

/** The commonest answer, the earliest of equals, as a list of one, as the harness has it. */
const majority: Filter = (answers) => {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return Array.from(answers)
    .filter((answer) => counts.get(answer) === most)
    .slice(0, 1);
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
  const group_select = select === undefined ? 0 : plainValue(select);
  if (!Number.isInteger(group_select)) {
    fields.complain(
      (select as Located).span,
      `'group_select': expected a whole number, got ${showValue(group_select)}`,
    );
  }
  return {
    regex: compileRegex(pattern, where),
    group_select: group_select as number,
    fallback: fields.text('fallback') ?? '[invalid]',
  };
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
  const ignored = patternsAt(fields, 'regexes_to_ignore');
  const [ignoreCase, ignorePunctuation] = [fields.flag('ignore_case'), fields.flag('ignore_punctuation')];
  const clean = (text: string) => {
    const rest = ignored.reduce((now, pattern) => pattern.remove(now), text);
    const cased = ignoreCase === true ? rest.toLowerCase() : rest;
    return ignorePunctuation === true ? cased.replace(/\p{P}/gu, '') : cased;
  };
  return each((text, doc) => {
    const direct = pick(regex.findall(text), group_select);
    if (direct) return direct;
    const choices = choicesOf(doc, where).map((choice) => clean(strip(choice)));
    const letters = choices.map((_, i) => String.fromCharCode(65 + i));
    const byText = pick(firstOf(choices, clean(text)), group_select);
    if (byText) return choices.includes(byText) ? `(${letters[choices.lastIndexOf(byText)]})` : byText;
    const byLetter = pick(compileRegex(`:[\\s]*(${letters.join('|')})`, where).findall(text), group_select);
    return byLetter ? `(${byLetter})` : fallback;
  });
}

/** The column `choices`, which this filter reads whatever the task's own choices are. */
function choicesOf({ choices }: Doc, where: string): string[] {
  if (Array.isArray(choices) && choices.every((choice) => typeof choice === 'string')) return choices;
  throw new UserError(`${where}: 'multi_choice_regex' expects records with a list of texts in 'choices'`);
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

/** Answers are texts, so that a key that YAML takes for something else never is one. */
function mapFilter(fields: Fields): Filter {
  fields.only(['function', 'mapping_dict', 'default_value']);
  const table = fields.at('mapping_dict');
  const otherwise = fields.at('default_value');
  const entries = new Map<string, string>();
  if (table?.kind !== 'map') fields.complain(fields.map.span, "expected 'mapping_dict', a mapping of answers");
  else
    for (const [key, { key: span, value }] of table.entries) {
      if (isText(span)) entries.set(key, str(plainValue(value)));
    }
  if (otherwise === undefined) {
    fields.complain(fields.map.span, "expected 'default_value', for answers that 'mapping_dict' does not have");
  }
  const rest = otherwise === undefined ? '' : str(plainValue(otherwise));
  return each((text) => entries.get(text) ?? rest);
}

function isText({ source, start, end }: Span): boolean {
  return !/^(?:[-+]?[0-9][0-9_.]*|true|false|yes|no|on|off|null|~)$/i.test(source.text.slice(start, end));
}
