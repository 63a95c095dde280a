// What a function of a task file is given and gives; the harness's own are Python, these are TypeScript.
import type { Doc, Value } from '../../python/value.ts';
import type { Loglikelihood } from './scorer.ts';

/** A model's answer to one request: of a pair, of a whole text, or a generated text. */
export type Answer = Loglikelihood | number | string;
/** What a metric's aggregation averages: a number, or a sum and its weight. */
export type Item = number | readonly [sum: number, weight: number];

/** A function of one record. */
export type DocFunction = (doc: Doc) => Value;
/** The record as the task wants it; undefined for one that is left out. */
export type ProcessDocs = (doc: Doc) => Doc | undefined;
/** The scores of one record, by metric. */
export type ResultsFunction = (doc: Doc, answers: readonly Answer[], compat: boolean) => Record<string, Item>;

/** What a task file may name, by `folder/module.function`. */
export type TaskFunction =
  | { kind: 'doc'; call: DocFunction }
  | { kind: 'process_docs'; call: ProcessDocs }
  | { kind: 'process_results'; call: ResultsFunction };

export type TaskFunctions = Readonly<Record<string, TaskFunction>>;
/** Functions of the user by the same names: each is what it stands for in the task file. */
export type OwnFunctions = ReadonlyMap<string, (...args: never[]) => unknown>;

export const doc = (call: DocFunction): TaskFunction => ({ kind: 'doc', call });
export const processDocs = (call: ProcessDocs): TaskFunction => ({ kind: 'process_docs', call });
export const processResults = (call: ResultsFunction): TaskFunction => ({ kind: 'process_results', call });

/** The text in a record's field; a TypeError where it is none. */
export function field(record: Doc, name: string): string {
  const value = record[name];
  if (typeof value === 'string') return value;
  throw new TypeError(`expected a text in '${name}'`);
}

/** The list of texts in a record's field. */
export function texts(record: Doc, name: string): string[] {
  const value = record[name];
  if (Array.isArray(value) && value.every((one): one is string => typeof one === 'string')) return value;
  throw new TypeError(`expected a list of texts in '${name}'`);
}
