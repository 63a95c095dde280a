// Operators of templates with Python's meaning: arithmetic, comparison, membership.
import { list, TemplateError } from './jinja-methods.ts';
import { equal, isMapping, str, truthy, type Value } from './python-value.ts';

/** How a message shows a value. */
export function describe(value: Value): string {
  if (isMapping(value)) return `a mapping of ${Object.keys(value).slice(0, 20).join(', ')}`;
  return Array.isArray(value) ? 'a list' : `the value ${clip(str(value))}`;
}

/** A text that may be long, for a message. */
export function clip(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** `not`, `-` or `+` before a value. */
export function unary(operator: string, value: Value): Value {
  if (operator === 'not') return !truthy(value);
  if (typeof value === 'number') return operator === '-' ? -value : value;
  throw new TemplateError(`${operator} of ${describe(value)}`);
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

function contains(container: Value, member: Value): boolean {
  if (typeof container === 'string') return container.includes(str(member));
  return isMapping(container)
    ? Object.hasOwn(container, str(member))
    : list(container).some((one) => equal(one, member));
}

function arithmetic(operator: string, a: Value, b: Value): Value {
  if (operator === '+' && typeof a === 'string' && typeof b === 'string') return a + b;
  if (operator === '+' && Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (typeof a === 'number' && typeof b === 'number') return ofNumbers(operator, a, b);
  if (typeof a === 'string' && typeof b === 'string' && /^[<>]=?$/.test(operator))
    return ofNumbers(operator, order(a, b), 0);
  throw new TemplateError(`${operator} between ${describe(a)} and ${describe(b)}`);
}

/** Python orders strings by code points. */
function order(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function ofNumbers(operator: string, a: number, b: number): Value {
  const table: Record<string, () => Value> = {
    '+': () => a + b,
    '-': () => a - b,
    '*': () => a * b,
    '/': () => a / b,
    '//': () => Math.floor(a / b),
    '%': () => a - b * Math.floor(a / b),
    '**': () => a ** b,
    '<': () => a < b,
    '<=': () => a <= b,
    '>': () => a > b,
    '>=': () => a >= b,
  };
  const compute = table[operator];
  if (compute === undefined) throw new TemplateError(`unknown operator '${operator}'`);
  return compute();
}
