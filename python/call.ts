// Calls of Python's functions: positional and named arguments, and what is said where they do not fit.
import { isFloat, numberOf, PythonError, str, type Value } from './value.ts';

/** What a call is given. */
export interface Arguments {
  positional: Value[];
  named: Record<string, Value>;
}

/** Something of Python's that can be called on `self`. */
export interface Callable<T> {
  /** Fewest arguments. */
  least: number;
  /** Names of the arguments in order. */
  names: readonly string[];
  /** Whether they may be given by name. */
  byName: boolean;
  call(self: T, args: (Value | undefined)[]): Value;
}

/** A method whose arguments have places only, as most of `str` do. */
export function positional<T>(names: string, least: number, call: Callable<T>['call']): Callable<T> {
  return { names: namesIn(names), least, byName: false, call };
}

/** A function whose arguments may be named. */
export function named<T>(names: string, least: number, call: Callable<T>['call']): Callable<T> {
  return { names: namesIn(names), least, byName: true, call };
}

const namesIn = (names: string) => names.split(' ').filter((name) => name !== '');

/** Calls `callable`; arguments that it does not take are a PythonError, since leaving them out would change what it gives. */
export function callWith<T>(what: string, callable: Callable<T>, self: T, args: Arguments): Value {
  const { names, least, byName } = callable;
  const given = [...args.positional] as (Value | undefined)[];
  if (given.length > names.length) {
    throw new PythonError(`${what} takes at most ${names.length} arguments here, got ${given.length}`);
  }
  for (const [name, value] of Object.entries(args.named)) {
    const place = byName ? names.indexOf(name) : -1;
    if (place < 0 || given[place] !== undefined) throw new PythonError(`${what} takes no argument '${name}' here`);
    given[place] = value;
  }
  for (let i = 0; i < least; i++) {
    if (given[i] === undefined) throw new PythonError(`${what} needs the argument '${names[i]}'`);
  }
  return callable.call(self, given);
}

/** A text argument; None stands for its absence. */
export function text(value: Value | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new PythonError(`expected text, got ${str(value)}`);
}

/** A text that must be there. */
export function required(value: Value | undefined): string {
  const found = text(value);
  if (found === undefined) throw new PythonError('expected text, got None');
  return found;
}

/** An integer, or `otherwise` where there is none. */
export function integer(value: Value | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const found = numberOf(value);
  if (found === undefined || isFloat(value)) throw new PythonError(`expected a whole number, got ${str(value)}`);
  return found;
}

/** The items of a value as iteration gives them. */
export function list(value: Value | undefined): Value[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return [...value];
  if (typeof value === 'object' && value !== null && numberOf(value) === undefined) return Object.keys(value);
  throw new PythonError(`expected a list, got ${str(value ?? null)}`);
}
