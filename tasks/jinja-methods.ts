// The methods of Python's strings, lists and mappings and the Jinja filters that templates of task files call.
import { lstrip, rstrip, split, strip } from './python-text.ts';
import { equal, isMapping, str, truthy, type Value } from './python-value.ts';

/** What a call is given. */
export interface Arguments {
  positional: Value[];
  named: Record<string, Value>;
}

/** A mistake in a template, in the words of its message. */
export class TemplateError extends Error {}

type Method<T> = (self: T, args: Value[]) => Value;

const text = (value: Value | undefined): string | undefined => {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new TemplateError(`expected text, got ${str(value)}`);
};

const required = (value: Value | undefined): string => {
  const found = text(value);
  if (found === undefined) throw new TemplateError('expected text, got nothing');
  return found;
};

const number = (value: Value | undefined, otherwise: number): number => {
  if (value === undefined) return otherwise;
  if (typeof value === 'number') return value;
  throw new TemplateError(`expected a number, got ${str(value)}`);
};

const stringMethods: Record<string, Method<string>> = {
  strip: (self, [of]) => strip(self, text(of)),
  lstrip: (self, [of]) => lstrip(self, text(of)),
  rstrip: (self, [of]) => rstrip(self, text(of)),
  split: (self, [separator, most]) => split(self, text(separator), number(most, -1)),
  lower: (self) => self.toLowerCase(),
  upper: (self) => self.toUpperCase(),
  capitalize: (self) => capitalize(self),
  replace: (self, [from, to, count]) => replace(self, required(from), required(to), number(count, -1)),
  startswith: (self, [start]) => self.startsWith(required(start)),
  endswith: (self, [end]) => self.endsWith(required(end)),
  join: (self, [items]) => list(items).map(required).join(self),
  count: (self, [part]) => self.split(required(part)).length - 1,
  find: (self, [part]) => position(self, required(part)),
  index: (self, [part]) => {
    const found = position(self, required(part));
    if (found < 0) throw new TemplateError('substring not found');
    return found;
  },
};

const listMethods: Record<string, Method<Value[]>> = {
  index: (self, [item]) => {
    const found = self.findIndex((value) => equal(value, item as Value));
    if (found < 0) throw new TemplateError(`${str(item ?? null)} is not in the list`);
    return found;
  },
  count: (self, [item]) => self.filter((value) => equal(value, item as Value)).length,
};

const mappingMethods: Record<string, Method<Record<string, Value>>> = {
  get: (self, [key, otherwise]) =>
    Object.hasOwn(self, str(key ?? null)) ? (self[str(key ?? null)] as Value) : (otherwise ?? null),
  keys: (self) => Object.keys(self),
  values: (self) => Object.values(self),
  items: (self) => Object.entries(self),
};

/** The method `name` of `self`, bound; undefined when Python's type has none that is known here. */
export function methodOf(self: Value, name: string): ((args: Arguments) => Value) | undefined {
  if (typeof self === 'string') return bind(self, stringMethods, name);
  if (Array.isArray(self)) return bind(self, listMethods, name);
  return isMapping(self) ? bind(self, mappingMethods, name) : undefined;
}

function bind<T>(self: T, methods: Record<string, Method<T>>, name: string): ((args: Arguments) => Value) | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return method && (({ positional }) => method(self, positional));
}

/** Jinja's filter `name` applied to `value`. */
export function applyFilter(name: string, value: Value, args: Arguments): Value {
  const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (filter === undefined)
    throw new TemplateError(`unknown filter '${name}', expected ${Object.keys(filters).join(', ')}`);
  return filter(value, args);
}

const filters: Record<string, (value: Value, args: Arguments) => Value> = {
  int: (value, { positional, named }) => toInteger(value, positional[0] ?? named.default ?? 0),
  float: (value) => Number(str(value).trim()) || 0,
  string: (value) => str(value),
  join: (value, { positional: [separator] }) =>
    list(value)
      .map(str)
      .join(separator === undefined ? '' : str(separator)),
  trim: (value) => strip(str(value)),
  lower: (value) => str(value).toLowerCase(),
  upper: (value) => str(value).toUpperCase(),
  capitalize: (value) => capitalize(str(value)),
  length: (value) => lengthOf(value),
  count: (value) => lengthOf(value),
  first: (value) => list(value)[0] ?? null,
  last: (value) => list(value).at(-1) ?? null,
  list: (value) => list(value),
  replace: (value, { positional: [from, to] }) => replace(str(value), required(from), required(to), -1),
  default: (value, { positional: [otherwise, always] }) =>
    truthy(always ?? false) && !truthy(value) ? (otherwise ?? '') : value,
};

/** `len` of a value. */
export function lengthOf(value: Value): number {
  return isMapping(value) ? Object.keys(value).length : list(value).length;
}

/** The items of a value as iteration gives them. */
export function list(value: Value | undefined): Value[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return [...value];
  if (isMapping(value)) return Object.keys(value);
  throw new TemplateError(`expected a list, got ${str(value ?? null)}`);
}

/** Jinja's `int`: what Python's `int(value)` gives, else of its float, else the default. */
function toInteger(value: Value, otherwise: Value): Value {
  if (typeof value === 'number' || typeof value === 'boolean') return Math.trunc(Number(value));
  const written = typeof value === 'string' ? strip(value).replaceAll(/(?<=\d)_(?=\d)/g, '') : '';
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(written) ? Math.trunc(Number(written)) : otherwise;
}

function capitalize(self: string): string {
  const [first = '', ...rest] = self;
  return first.toUpperCase() + rest.join('').toLowerCase();
}

function replace(self: string, from: string, to: string, count: number): string {
  if (count < 0) return self.split(from).join(to);
  const parts = self.split(from);
  const kept = parts.splice(0, count + 1).join(to);
  return [kept, ...parts].join(from);
}

/** Where `part` begins, in code points. */
function position(self: string, part: string): number {
  const at = self.indexOf(part);
  return at < 0 ? -1 : [...self.slice(0, at)].length;
}
