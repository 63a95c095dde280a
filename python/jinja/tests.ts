// Jinja's tests, what stands after `is`.
import { isFloat, isMapping, kindOf, numberOf, PythonError, type Value } from '../value.ts';

const isInteger = (value: Value) => typeof value === 'number' && Number.isInteger(value);
const isViewOf = (value: Value) => Array.isArray(value) && kindOf(value).startsWith('dict_');
const isCollection = (value: Value) => typeof value === 'string' || Array.isArray(value) || isMapping(value);

function remainder(value: Value): number {
  const number = numberOf(value);
  if (number === undefined) throw new PythonError('odd and even are asked of numbers');
  return Math.abs(number % 2);
}

const tests: Record<string, (value: Value) => boolean> = {
  none: (value) => value === null,
  string: (value) => typeof value === 'string',
  number: (value) => numberOf(value) !== undefined,
  integer: isInteger,
  float: isFloat,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  mapping: isMapping,
  sequence: (value) => isCollection(value) && !isViewOf(value),
  iterable: isCollection,
  odd: (value) => remainder(value) === 1,
  even: (value) => remainder(value) === 0,
};

/** Whether Jinja's test `name` holds of a value that is defined. */
export function holds(name: string, value: Value): boolean {
  const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
  if (test !== undefined) return test(value);
  throw new PythonError(`unknown test '${name}', expected defined, undefined, ${Object.keys(tests).join(', ')}`);
}
