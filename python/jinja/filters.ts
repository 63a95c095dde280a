// Jinja's filters that templates of task files call.
import { type Arguments, type Callable, callWith, list, named, positional, text } from '../call.ts';
import { capitalize, replace, strip } from '../text.ts';
import { float, isFloat, isMapping, numberOf, PythonError, repr, Sequence, str, truthy, type Value } from '../value.ts';

/** Jinja's filter `name` applied to `value`. */
export function applyFilter(name: string, value: Value, args: Arguments): Value {
  const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (filter === undefined)
    throw new PythonError(`unknown filter '${name}', expected ${Object.keys(filters).join(', ')}`);
  return callWith(`filter '${name}'`, filter, value, args);
}

const join = named<Value>('d', 0, (value, [separator]) =>
  list(value)
    .map(str)
    .join(separator === undefined ? '' : str(separator)),
);
const length = positional<Value>('', 0, (value) => lengthOf(value));
const orElse = named<Value>('default_value boolean', 0, (value, [otherwise = '', always = false]) =>
  truthy(always) && !truthy(value) ? otherwise : value,
);

const filters: Record<string, Callable<Value>> = {
  int: named('default', 0, (value, [otherwise = 0]) => toInteger(value) ?? otherwise),
  float: named('default', 0, (value, [otherwise = float(0)]) => toFloat(value) ?? otherwise),
  string: positional('', 0, (value) => str(value)),
  join,
  trim: named('chars', 0, (value, [of]) => strip(str(value), text(of))),
  lower: positional('', 0, (value) => str(value).toLowerCase()),
  upper: positional('', 0, (value) => str(value).toUpperCase()),
  capitalize: positional('', 0, (value) => capitalize(str(value))),
  length,
  count: length,
  first: positional('', 0, (value) => end(list(value)[0])),
  last: positional('', 0, (value) => end(list(value).at(-1))),
  list: positional('', 0, (value) => [...list(value)]),
  replace: named('old new', 2, (value, [old, to]) => replace(str(value), str(old as Value), str(to as Value))),
  default: orElse,
  d: orElse,
  abs: positional('', 0, (value) => absolute(value)),
  map: named('attribute', 1, (value, [key]) =>
    Sequence.make(
      'generator',
      list(value).map((item) => attribute(item, key as Value)),
    ),
  ),
  tojson: positional('', 0, (value) => htmlSafe(json(value))),
};

/** The first or last item. */
function end(item: Value | undefined): Value {
  if (item === undefined) throw new PythonError('the first or last of nothing');
  return item;
}

/** `len` of a value. */
function lengthOf(value: Value): number {
  return isMapping(value) ? Object.keys(value).length : list(value).length;
}

function attribute(item: Value, key: Value): Value {
  if (isMapping(item) && typeof key === 'string' && Object.hasOwn(item, key)) return item[key] as Value;
  throw new PythonError(`${str(item)} has no '${str(key)}'`);
}

function absolute(value: Value): Value {
  const number = numberOf(value);
  if (number === undefined) throw new PythonError(`abs of ${str(value)}`);
  return isFloat(value) ? float(Math.abs(number)) : Math.abs(number);
}

/** What Python's `int` gives, else of its float; undefined where it gives neither. */
function toInteger(value: Value): Value | undefined {
  const found = toFloat(value);
  const number = found === undefined ? Number.NaN : (numberOf(found) as number);
  return Number.isFinite(number) ? Math.trunc(number) + 0 : undefined;
}

/** What Python's `float` gives. */
function toFloat(value: Value): Value | undefined {
  if (typeof value !== 'string') {
    const number = numberOf(value);
    return number === undefined ? undefined : float(number);
  }
  const written = ascii(strip(value)).replaceAll(/(?<=\d)_(?=\d)/g, '');
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(written)) return float(Number(written));
  const [, sign, word] = /^([-+]?)(inf|infinity|nan)$/i.exec(written) ?? [];
  if (word === undefined) return undefined;
  return /nan/i.test(word) ? Number.NaN : sign === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Digits of any script as those of ASCII. */
function ascii(written: string): string {
  return written.replace(/\p{Nd}/gu, (digit) => {
    if (digit < '\x80') return digit;
    const code = digit.codePointAt(0) as number;
    let zero = code; // digits come in runs of ten, some of which follow one another
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
    return String((code - zero) % 10);
  });
}

/** `json.dumps` with sorted keys. */
function json(value: Value): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(json).join(', ')}]`;
  if (isMapping(value)) {
    const keys = Object.keys(value).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return `{${keys.map((key) => `${quoted(key)}: ${json(value[key] as Value)}`).join(', ')}}`;
  }
  if (value === null || typeof value === 'boolean') return String(value);
  const shown = repr(value);
  return { nan: 'NaN', inf: 'Infinity', '-inf': '-Infinity' }[shown] ?? shown;
}

const hex = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\x80-\uffff]/g, hex);
}

function htmlSafe(text: string): string {
  return text.replace(/[<>&']/g, hex);
}
