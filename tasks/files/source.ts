// Where a task's texts, targets and choices come from: a column, a template, a value or a function.
import { type Located, showValue } from '../../located/located.ts';
import { compileTemplate, type Template } from '../../python/jinja/jinja.ts';
import { isMapping, type Value } from '../../python/value.ts';
import { findFunction } from './functions.ts';
import { type Fields, isFunction, lineOf, plainValue } from './located-fields.ts';
import type { DocFunction } from './task-function.ts';

/** How a record becomes a text, a target or choices. */
export type Source =
  /** A column's name when the data has it, else a template. */
  | { kind: 'text'; text: string; template: Template; where: string }
  | { kind: 'value'; value: Value; where: string }
  | { kind: 'function'; call: DocFunction; where: string };

/** The empty text. */
export const empty: Source = { kind: 'value', value: '', where: '' };

/** A source that must be there. */
export function needed(fields: Fields, key: string): Source {
  const source = sourceAt(fields, key);
  if (source !== undefined) return source;
  fields.complain(fields.map.span, `expected '${key}'`);
  return empty;
}

/** The source that a key gives. */
export function sourceAt(fields: Fields, key: string): Source | undefined {
  const tree = fields.at(key);
  if (tree === undefined) return undefined;
  const where = lineOf(tree.span);
  if (isFunction(tree)) {
    const found = findFunction(nameOf(tree), tree.span, 'doc', fields.own);
    return found.kind === 'doc' ? { kind: 'function', call: found.call, where } : undefined;
  }
  const value = plainValue(tree);
  if (typeof value === 'string') return { kind: 'text', text: value, template: compileTemplate(value, where), where };
  if (key === 'doc_to_choice' && isMapping(value)) return { kind: 'value', value: Object.values(value), where };
  if (isValueOf(key, value)) return { kind: 'value', value, where };
  fields.complain(tree.span, `'${key}': expected ${forms[key]}, got ${showValue(value)}`);
  return undefined;
}

const forms: Record<string, string> = {
  doc_to_text: 'a template, a whole number or a function',
  doc_to_target: 'a template, a whole number, a list or a function',
  doc_to_choice: 'a template, a list, a mapping or a function',
};

function isValueOf(key: string, value: Value): boolean {
  if (Array.isArray(value)) return key !== 'doc_to_text';
  return key !== 'doc_to_choice' && typeof value === 'number' && Number.isInteger(value);
}

/** The name after `!function`. */
export function nameOf(tree: Located): string {
  return tree.kind === 'scalar' ? String(tree.value) : '';
}
