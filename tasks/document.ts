// What a task makes of a record: its text, its target, its choices. The rules of the harness for columns, templates and numbers.
import { UserError } from '../util/errors.ts';
import { literalValue } from './python-literal.ts';
import { isDigit } from './python-text.ts';
import { type Doc, str, type Value } from './python-value.ts';
import type { Source } from './source.ts';
import type { TaskConfig } from './task-config.ts';

/** The sources that a text is read from: the task's own, or those of its few-shot examples. */
export interface Sources {
  doc_to_text: Source;
  doc_to_target: Source;
  doc_to_choice: Source | undefined;
}

/** Reads records of one data set by the rules of one task. */
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
  text(doc: Doc, { doc_to_text: source }: Sources = this.#config): Value {
    return this.#resolve(source, doc).value;
  }

  /** A text, the index of a choice, or a list of either. */
  target(doc: Doc, { doc_to_target: source }: Sources = this.#config): Value {
    const { value, printed } = this.#resolve(source, doc);
    if (printed === undefined || typeof value !== 'string') return value;
    if (Array.isArray(printed)) return printed;
    return value.startsWith('[') && value.endsWith(']') ? (literalValue(value) ?? value) : value;
  }

  /** The choices, in order. */
  choices(doc: Doc, { doc_to_choice: source }: Sources = this.#config): Value[] {
    if (source === undefined) throw new Error('a task without choices was asked for them');
    const { value, printed } = this.#resolve(source, doc);
    const found = Array.isArray(printed)
      ? printed
      : typeof value === 'string' && printed !== undefined
        ? literalValue(value)
        : value;
    if (Array.isArray(found)) return found;
    throw new UserError(`${whereOf(source, this.#config)}: 'doc_to_choice': expected a list, got ${str(value)}`);
  }

  /** `printed` is what a template's only expression gave; undefined for what came from no template. */
  #resolve(source: Source, doc: Doc): { value: Value; printed?: Value | undefined } {
    if (source.kind === 'value') return { value: source.value };
    if (source.kind === 'function') return { value: callFunction(source, doc) };
    if (this.#columns.has(source.text)) return { value: doc[source.text] ?? null };
    const { text, value } = source.template(doc);
    const isIndex = this.#config.doc_to_choice !== undefined && isDigit(text);
    return isIndex ? { value: Number(text), printed: null } : { value: text, printed: value ?? null };
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

function whereOf(source: Source, { where }: TaskConfig): string {
  return source.kind === 'function' ? source.where : where;
}
