// Reading typed fields from a task file's mapping; every mistake points at its line.
import { Problems, SpecErrors } from '../../located/diagnostic.ts';
import { type Located, type LocatedMap, place, type Span, showValue } from '../../located/located.ts';
import { expectedNames } from '../../located/nearest.ts';
import { float, type Value } from '../../python/value.ts';
import type { OwnFunctions } from './task-function.ts';

/** The tag of a Python function's name in task files. */
export const functionTag = '!function';

/** The plain value as PyYAML reads it, which follows YAML 1.1: an unquoted `yes` is true, and `1e3` is text. */
export function plainValue(tree: Located): Value {
  if (tree.kind === 'list') return tree.items.map(plainValue);
  if (tree.kind === 'map') {
    return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plainValue(value)]));
  }
  if (tree.tag !== undefined || tree.value === null || typeof tree.value === 'boolean') return tree.value;
  const written = tree.span.source.text.slice(tree.span.start, tree.span.end);
  if (typeof tree.value === 'number') {
    if (/^[-+]?[0-9]*\.[0-9]*(?:[eE][-+][0-9]+)?$/.test(written)) return float(tree.value);
    if (/^(?:[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+)$/.test(written)) return tree.value;
    if (/[eE]/.test(written)) return written;
  }
  if (/^(?:yes|Yes|YES|on|On|ON)$/.test(written)) return true;
  if (/^(?:no|No|NO|off|Off|OFF)$/.test(written)) return false;
  if (!isOdd(written)) return tree.value;
  throw mistake(
    tree.span,
    `${written} without quotes is a number or a date in YAML 1.1 and another in 1.2: put it in quotes`,
  );
}

/** Octal and binary numbers, numbers with `_` or of base 60 such as 12:30, and dates. */
function isOdd(written: string): boolean {
  return (
    /^[-+]?0o?[0-7_]+$/.test(written) ||
    /^[-+]?0b[01_]+$/.test(written) ||
    /^[-+]?[0-9][0-9]*_[0-9_]*(?:\.[0-9_]*)?$/.test(written) ||
    /^[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?$/.test(written) ||
    /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt \t])/.test(written)
  );
}

/** A mistake at one place of a task file. */
export function mistake(span: Span, message: string): SpecErrors {
  const problems = new Problems();
  problems.add(span, message);
  return new SpecErrors(problems.list());
}

/** `file:12`, for messages. */
export function lineOf(span: Span): string {
  const { file, line } = place(span);
  return `${file}:${line}`;
}

/** True for `!function module.name`. */
export function isFunction(tree: Located): boolean {
  return tree.kind === 'scalar' && tree.tag === functionTag;
}

/** A mapping whose fields are asked for by name and kind; a field that is absent or null is undefined. */
export class Fields {
  readonly map: LocatedMap;
  readonly problems: Problems;

  /** The user's functions, for what `!function` names. */
  readonly own: OwnFunctions;

  constructor(map: LocatedMap, problems: Problems, own: OwnFunctions = new Map()) {
    this.map = map;
    this.problems = problems;
    this.own = own;
  }

  at(key: string): Located | undefined {
    const tree = this.map.entries.get(key)?.value;
    return tree === undefined || (tree.kind === 'scalar' && tree.value === null) ? undefined : tree;
  }

  text(key: string): string | undefined {
    return this.#take(key, 'text', (value) => typeof value === 'string');
  }

  /** A text, or a number for its text: `dataset_name: 2016`. */
  label(key: string): string | undefined {
    const value = this.#take(key, 'a text', (found) => typeof found === 'string' || typeof found === 'number');
    return value === undefined ? undefined : String(value);
  }

  flag(key: string): boolean | undefined {
    return this.#take(key, 'true or false', (value) => typeof value === 'boolean');
  }

  /** A whole number of `least` to 1,000,000. */
  count(key: string, least: number): number | undefined {
    return this.#take(
      key,
      `a whole number of ${least} to 1000000`,
      (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= 1_000_000,
    );
  }

  /** A text or a list of texts, as a list. */
  texts(key: string): string[] | undefined {
    const isTexts = (value: Value) => Array.isArray(value) && value.every((one) => typeof one === 'string');
    const value = this.#take<string | string[]>(
      key,
      'a text or a list of texts',
      (found) => typeof found === 'string' || isTexts(found),
    );
    return typeof value === 'string' ? [value] : value;
  }

  /** The items of a list of mappings. */
  maps(key: string): Fields[] | undefined {
    const tree = this.at(key);
    if (tree === undefined) return undefined;
    const items = tree.kind === 'list' ? tree.items : [tree];
    return items.flatMap((item) => {
      if (item.kind === 'map') return [new Fields(item, this.problems, this.own)];
      this.complain(item.span, `'${key}': expected a mapping, got ${showValue(plainValue(item))}`);
      return [];
    });
  }

  one<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.text(key);
    if (value === undefined || (choices as readonly string[]).includes(value)) return value as T | undefined;
    const span = (this.at(key) as Located).span;
    this.complain(span, `'${key}': unknown value '${value}'${expectedNames(value, [...choices], 'there is none')}`);
    return undefined;
  }

  /** Complains of keys that are neither in `known` nor in `ignored`. */
  only(known: readonly string[]): void {
    for (const [key, entry] of this.map.entries) {
      if (!known.includes(key))
        this.complain(entry.key, `unknown key '${key}'${expectedNames(key, [...known], 'there is none')}`);
    }
  }

  complain(span: Span, message: string): void {
    this.problems.add(span, message);
  }

  #take<T extends Value>(key: string, what: string, holds: (value: Value) => boolean): T | undefined {
    const tree = this.at(key);
    if (tree === undefined) return undefined;
    const value = plainValue(tree);
    if (!isFunction(tree) && holds(value)) return value as T;
    const got = isFunction(tree) ? `the function '${String(value)}'` : showValue(value);
    this.complain(tree.span, `'${key}': expected ${what}, got ${got}`);
    return undefined;
  }
}
