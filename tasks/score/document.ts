// What a task makes of a record: its text, its target, its choices. The rules of the harness for columns, templates and numbers.
import { describe } from '../../python/jinja/operators.ts';
import { literalValue } from '../../python/literal.ts';
import { isDigit } from '../../python/text.ts';
import { type Doc, isFloat, isMapping, numberOf, PythonError, str, type Value } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';
import type { Source } from '../files/source.ts';
import type { TaskConfig } from '../files/task-config.ts';

/** The sources that a text is read from: the task's own, or those of its few-shot examples. */
export interface Sources {
  doc_to_text: Source;
  doc_to_target: Source;
  doc_to_choice: Source | undefined;
}

/** Reads records of one data set by the rules of one task; what cannot stand in a prompt is a UserError with the line. */
export class DocumentReader {
  readonly #config: TaskConfig;
  readonly #columns: ReadonlySet<string>;

  constructor(config: TaskConfig, columns: ReadonlySet<string>) {
    this.#config = config;
    this.#columns = columns;
  }

  /** The sources of few-shot examples, which may have their own. */
  get fewshotSources(): Sources {
    const { fewshot_config: own, doc_to_text, doc_to_target, doc_to_choice } = this.#config;
    return {
      doc_to_text: own.doc_to_text ?? doc_to_text,
      doc_to_target: own.doc_to_target ?? doc_to_target,
      doc_to_choice: own.doc_to_choice ?? doc_to_choice,
    };
  }

  /** A text; a whole number where the context is itself a choice. */
  text(doc: Doc, { doc_to_text: source }: Sources = this.#config): string | number {
    const { value } = this.#resolve(source, doc);
    if (typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value))) return value;
    throw unfit(source, 'doc_to_text', 'text', value);
  }

  /** A text, a number such as the index of a choice, or a list of either. */
  target(doc: Doc, { doc_to_target: source }: Sources = this.#config): Value {
    const { value, printed } = this.#resolve(source, doc);
    const isList = printed !== undefined && typeof value === 'string' && value.startsWith('[') && value.endsWith(']');
    const found = isList ? (Array.isArray(printed) ? printed : (literalValue(value) ?? value)) : value;
    const isFit = (one: Value) => typeof one === 'string' || numberOf(one) !== undefined;
    if (isFit(found) || (Array.isArray(found) && found.length > 0 && found.every(isFit))) return found;
    throw unfit(source, 'doc_to_target', 'text, a number or a list of these', found);
  }

  /** The choices' texts, in order, of which there is at least one. */
  choices(doc: Doc, { doc_to_choice: source }: Sources = this.#config): string[] {
    if (source === undefined) throw new Error('a task without choices was asked for them');
    const { value, printed } = this.#resolve(source, doc);
    const isPrinted = typeof value === 'string' && printed !== undefined;
    const found = isPrinted ? (Array.isArray(printed) ? printed : literalValue(value)) : value;
    if (!Array.isArray(found) || found.length === 0)
      throw unfit(source, 'doc_to_choice', 'a list of choices', found ?? value);
    const bad = found.find((choice) => choice === null || typeof choice === 'object');
    if (bad !== undefined) throw unfit(source, 'doc_to_choice', 'choices that are texts', bad);
    return found.map(str);
  }

  /** The text of the choice that `index` names, from the end where it is negative. */
  choice(doc: Doc, index: Value, sources: Sources = this.#config): string {
    const choices = this.choices(doc, sources);
    const found = isFloat(index) ? undefined : choices.at(numberOf(index) ?? Number.NaN);
    if (found !== undefined && typeof index !== 'string') return found;
    throw unfit(sources.doc_to_target, 'doc_to_target', `the index of one of ${choices.length} choices`, index);
  }

  /** `printed` is what a template's only expression gave; undefined for what came from no template. */
  #resolve(source: Source, doc: Doc): { value: Value; printed?: Value | undefined } {
    if (source.kind === 'value') return { value: source.value };
    if (source.kind === 'function') return { value: callFunction(source, doc) };
    if (this.#columns.has(source.text)) return { value: doc[source.text] ?? null };
    const { text, value } = source.template(doc);
    if (this.#config.doc_to_choice === undefined || !isDigit(text)) return { value: text, printed: value ?? null };
    if (/^(?:0+|[1-9]\d*)$/.test(text)) return { value: Number(text), printed: null };
    throw new UserError(
      `${source.where}: '${text}' is of digits and no number in Python, expected the index of a choice`,
    );
  }
}

function callFunction({ call, where }: Extract<Source, { kind: 'function' }>, doc: Doc): Value {
  try {
    return call(doc);
  } catch (error) {
    if (error instanceof TypeError) throw new UserError(`${where}: ${error.message} of the record`);
    throw error;
  }
}

function unfit(source: Source, key: string, expected: string, got: Value): UserError {
  const column = source.kind === 'text' && !source.text.includes('{') ? ` from column '${source.text}'` : '';
  return new UserError(`${source.where}: '${key}': expected ${expected}${column}, got ${shown(got)}`);
}

/** What a message says of a value. */
function shown(value: Value): string {
  if (value === null) return 'nothing (null)';
  if (Array.isArray(value) && value.length === 0) return 'an empty list';
  try {
    return Array.isArray(value) || isMapping(value) ? describe(value) : `'${str(value)}'`;
  } catch (error) {
    if (error instanceof PythonError) return error.message;
    throw error;
  }
}
