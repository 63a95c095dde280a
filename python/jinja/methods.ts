// The methods of Python's strings, lists and mappings that templates of task files call.
import { type Arguments, type Callable, callWith, integer, list, named, positional, required, text } from '../call.ts';
import { capitalize, count, find, isDigit, lstrip, replace, rstrip, split, strip } from '../text.ts';
import { equal, isMapping, PythonError, Sequence, str, type Value } from '../value.ts';

type Methods<T> = Record<string, Callable<T>>;

/** `startswith` and `endswith`, of one text or of any of a tuple's. */
const fits = (test: (self: string, part: string) => boolean) =>
  positional<string>('part', 1, (self, [part]) =>
    Array.isArray(part) ? part.some((one) => test(self, required(one))) : test(self, required(part)),
  );

const stringMethods: Methods<string> = {
  strip: positional('characters', 0, (self, [of]) => strip(self, text(of))),
  lstrip: positional('characters', 0, (self, [of]) => lstrip(self, text(of))),
  rstrip: positional('characters', 0, (self, [of]) => rstrip(self, text(of))),
  split: named('sep maxsplit', 0, (self, [sep, most]) => split(self, text(sep), integer(most, -1))),
  lower: positional('', 0, (self) => self.toLowerCase()),
  upper: positional('', 0, (self) => self.toUpperCase()),
  capitalize: positional('', 0, (self) => capitalize(self)),
  replace: positional('old new count', 2, (self, [old, to, most]) =>
    replace(self, required(old), required(to), integer(most, -1)),
  ),
  startswith: fits((self, part) => self.startsWith(part)),
  endswith: fits((self, part) => self.endsWith(part)),
  join: positional('items', 1, (self, [items]) => list(items).map(required).join(self)),
  count: positional('part', 1, (self, [part]) => count(self, required(part))),
  find: positional('part start', 1, (self, [part, start]) => find(self, required(part), integer(start, 0))),
  index: positional('part start', 1, (self, [part, start]) => {
    const found = find(self, required(part), integer(start, 0));
    if (found < 0) throw new PythonError('substring not found');
    return found;
  }),
  isdigit: positional('', 0, (self) => isDigit(self)),
  removeprefix: positional('prefix', 1, (self, [of]) =>
    self.startsWith(required(of)) ? self.slice(required(of).length) : self,
  ),
  removesuffix: positional('suffix', 1, (self, [of]) =>
    self.endsWith(required(of)) ? self.slice(0, self.length - required(of).length) : self,
  ),
};

const listMethods: Methods<Value[]> = {
  index: positional('item start', 1, (self, [item, start]) => {
    const from = integer(start, 0);
    const first = from < 0 ? Math.max(0, from + self.length) : from;
    const found = self.findIndex((value, i) => i >= first && equal(value, item as Value));
    if (found < 0) throw new PythonError(`${str(item as Value)} is not in the list`);
    return found;
  }),
  count: positional('item', 1, (self, [item]) => self.filter((value) => equal(value, item as Value)).length),
};

const pairs = (self: Record<string, Value>) => Object.entries(self).map((pair) => Sequence.make('tuple', pair));

const mappingMethods: Methods<Record<string, Value>> = {
  get: positional('key default', 1, (self, [key, otherwise = null]) =>
    typeof key === 'string' && Object.hasOwn(self, key) ? (self[key] as Value) : otherwise,
  ),
  keys: positional('', 0, (self) => Sequence.make('dict_keys', Object.keys(self))),
  values: positional('', 0, (self) => Sequence.make('dict_values', Object.values(self))),
  items: positional('', 0, (self) => Sequence.make('dict_items', pairs(self))),
};

/** What Python's `dict` has beside those: `record.copy` is never the key `copy`. */
const moreOfMappings = ['clear', 'copy', 'fromkeys', 'pop', 'popitem', 'setdefault', 'update'];

/** True for a name that Python's mappings have as a method, so that `record.name` is no key. */
export function isMappingMethod(name: string): boolean {
  return Object.hasOwn(mappingMethods, name) || moreOfMappings.includes(name);
}

/** The method `name` of `self`, bound; undefined when Python's type has none that is known here. */
export function methodOf(self: Value, name: string): ((args: Arguments) => Value) | undefined {
  if (typeof self === 'string') return bind(self, stringMethods, name);
  if (Array.isArray(self)) return bind(self, listMethods, name);
  return isMapping(self) ? bind(self, mappingMethods, name) : undefined;
}

function bind<T>(self: T, methods: Methods<T>, name: string): ((args: Arguments) => Value) | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return method && ((args) => callWith(`'${name}'`, method, self, args));
}
