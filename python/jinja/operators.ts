// Operators of templates with Python's meaning: arithmetic, comparison, membership.
import { list } from '../call.ts';
import {
  equal,
  float,
  isFloat,
  isMapping,
  kindOf,
  numberOf,
  PythonError,
  Sequence,
  str,
  truthy,
  type Value,
} from '../value.ts';

/** How a message shows a value. */
export function describe(value: Value): string {
  if (isMapping(value)) return `a mapping of ${Object.keys(value).slice(0, 20).join(', ')}`;
  return Array.isArray(value) ? `a ${kindOf(value)}` : `the value ${clip(str(value))}`;
}

/** A text that may be long, for a message. */
export function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** `not`, `-` or `+` before a value. */
export function unary(operator: string, value: Value): Value {
  if (operator === 'not') return !truthy(value);
  const number = numberOf(value);
  if (number === undefined) throw new PythonError(`${operator} of ${describe(value)}`);
  return asNumber(operator === '-' ? -number : number, isFloat(value));
}

/** `operator` between two values that are both evaluated. */
export function binary(operator: string, a: Value, b: Value): Value {
  if (operator === '~') return str(a) + str(b);
  if (operator === '==') return equal(a, b);
  if (operator === '!=') return !equal(a, b);
  if (operator === 'in') return contains(b, a);
  if (operator === 'not in') return !contains(b, a);
  return arithmetic(operator, a, b);
}

/** True for an operator that compares: Python reads `a < b < c` as `a < b and b < c`. */
export function isComparison(operator: string): boolean {
  return ['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'].includes(operator);
}

function contains(container: Value, member: Value): boolean {
  if (isMapping(container)) return typeof member === 'string' && Object.hasOwn(container, member);
  if (typeof container !== 'string') return list(container).some((one) => equal(one, member));
  if (typeof member === 'string') return container.includes(member);
  throw new PythonError(`${describe(member)} in a text`);
}

function arithmetic(operator: string, a: Value, b: Value): Value {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return ofNumbers(operator, x, y, isFloat(a) || isFloat(b));
  if (typeof a === 'string' && typeof b === 'string') {
    if (operator === '+') return a + b;
    if (Object.hasOwn(comparisons, operator)) return compare(operator, order(a, b), 0);
  }
  if (operator === '+' && Array.isArray(a) && Array.isArray(b) && kindOf(a) === kindOf(b)) return joined(a, b);
  throw new PythonError(`${operator} between ${describe(a)} and ${describe(b)}`);
}

function joined(a: Value[], b: Value[]): Value {
  const items = [...a, ...b];
  return kindOf(a) === 'tuple' ? Sequence.make('tuple', items) : items;
}

/** Python orders strings by code points. */
function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function compare(operator: string, a: number, b: number): boolean {
  return (comparisons[operator] as (a: number, b: number) => boolean)(a, b);
}

const computations: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '//': (a, b) => floorDivision(a, b),
  '%': (a, b) => modulo(a, b),
  '**': (a, b) => a ** b,
};

function ofNumbers(operator: string, a: number, b: number, floats: boolean): Value {
  if (Object.hasOwn(comparisons, operator)) return compare(operator, a, b);
  const compute = computations[operator];
  if (compute === undefined) throw new PythonError(`unknown operator '${operator}'`);
  if (b === 0 && /[/%]/.test(operator)) throw new PythonError('division by zero');
  if (operator === '**' && ((a === 0 && b < 0) || (a < 0 && !Number.isInteger(b)))) {
    throw new PythonError(`${a} ** ${b} is no real number`);
  }
  return asNumber(compute(a, b), floats || operator === '/' || (operator === '**' && b < 0));
}

/** The remainder has the sign of the divisor. */
function modulo(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 === b < 0 ? rest : rest + b;
}

function floorDivision(a: number, b: number): number {
  const quotient = (a - modulo(a, b)) / b;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/** An integer never is -0, nor more than JavaScript keeps. */
function asNumber(number: number, isFloating: boolean): Value {
  if (isFloating) return float(number);
  if (Number.isSafeInteger(number)) return number + 0;
  throw new PythonError(`a result of about ${number} is too large to be kept exactly`);
}
