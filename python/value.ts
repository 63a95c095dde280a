// Values as templates see them: what JSON holds, with Python's truth, equality and printed forms.
import { UserError } from '../util/errors.ts';

/** Whole JavaScript numbers are integers, others floats; a float without fraction is a WholeFloat, and a list may be a Sequence. */
export type Value = null | boolean | number | string | WholeFloat | Value[] | { [key: string]: Value };
/** A row of a data set. */
export type Doc = Record<string, Value>;

/** What Python would raise, or lamina cannot do as Python does, in the words of a message. */
export class PythonError extends UserError {}

/** A float without fraction: 3.0, which prints its point. */
export class WholeFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  valueOf(): number {
    return this.value;
  }
}

type SequenceKind = 'tuple' | 'range' | 'generator' | 'dict_keys' | 'dict_values' | 'dict_items';

/** What iterates as a list does and is none. */
export class Sequence extends Array<Value> {
  kind: SequenceKind = 'tuple';

  static make(kind: SequenceKind, items: Iterable<Value>): Sequence {
    const sequence = Sequence.from(items) as Sequence;
    sequence.kind = kind;
    return sequence;
  }

  /** What is made of a sequence by `map` or `slice` is a list. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** True for a mapping. */
export function isMapping(value: unknown): value is Record<string, Value> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WholeFloat);
}

/** The name of a list's type. */
export function kindOf(list: Value[]): SequenceKind | 'list' {
  return list instanceof Sequence ? list.kind : 'list';
}

/** An integer, a float or a truth value as a number; undefined for anything else. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value);
  return value instanceof WholeFloat ? value.value : undefined;
}

/** True for a float. */
export function isFloat(value: Value): boolean {
  return value instanceof WholeFloat || (typeof value === 'number' && !Number.isInteger(value));
}

/** `float(value)`. */
export function float(value: number): Value {
  return Number.isInteger(value) ? new WholeFloat(value) : value;
}

/** Python's truth of a value. */
export function truthy(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isMapping(value)) return Object.keys(value).length > 0;
  if (Number.isNaN(value)) return true;
  return Boolean(numberOf(value) ?? value);
}

/** `==`, by content. */
export function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || kindOf(a) !== kindOf(b) || a.length !== b.length) return false;
    return a.every((x, i) => equal(x, b[i] as Value));
  }
  if (isMapping(a)) {
    const keys = Object.keys(a);
    return (
      isMapping(b) &&
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equal(a[key] as Value, b[key] as Value))
    );
  }
  return (numberOf(a) ?? a) === (numberOf(b) ?? b);
}

/** `str(value)`; a number that JavaScript cannot keep exactly is a PythonError. */
export function str(value: Value): string {
  return typeof value === 'string' ? value : repr(value);
}

/** `repr(value)`. */
export function repr(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return Number.isInteger(value) ? integerText(value) : floatText(value);
  if (value instanceof WholeFloat) return floatText(value.value);
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return listText(value);
  const entries = Object.entries(value).map(([key, item]) => `${quoted(key)}: ${repr(item)}`);
  return `{${entries.join(', ')}}`;
}

function listText(list: Value[]): string {
  const items = list.map(repr).join(', ');
  const kind = kindOf(list);
  if (kind === 'list') return `[${items}]`;
  if (kind === 'tuple') return `(${items}${list.length === 1 ? ',' : ''})`;
  if (kind === 'range' || kind === 'generator') throw new PythonError(`a ${kind} cannot be printed, only its items`);
  return `${kind}([${items}])`;
}

function integerText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  throw new PythonError(
    `a number of about ${value} is too large to be kept exactly, expected at most 9007199254740991`,
  );
}

/** The shortest digits that give the number back, as JavaScript's are; Python writes an exponent below 1e-4 and from 1e16 on. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const [, sign = '', first = '', rest = '', power = ''] =
    /^(-?)(\d)(?:\.(\d+))?e(.+)$/.exec(value.toExponential()) ?? [];
  const minus = Object.is(value, -0) ? '-' : sign;
  const exponent = Number(power);
  const digits = first + rest;
  if (exponent < -4 || exponent >= 16) {
    const scale = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
    return `${minus}${first}${rest === '' ? '' : `.${rest}`}e${scale}`;
  }
  if (exponent < 0) return `${minus}0.${digits.padStart(digits.length - exponent - 1, '0')}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${minus}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let body = '';
  for (const character of text) body += character === quote ? `\\${quote}` : (escapes[character] ?? shown(character));
  return `${quote}${body}${quote}`;
}

/** Python escapes what it calls unprintable: control characters, separators but the space, format and unassigned characters. */
function shown(character: string): string {
  if (character === ' ' || !/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0) as number;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
