// Expressions of templates: names, members, calls and filters, evaluated to Python's values.
import { type Arguments, applyFilter, list, methodOf, TemplateError } from './jinja-methods.ts';
import type { CallExpression, Expression, FilterExpression, MemberExpression, SliceExpression } from './jinja-nodes.ts';
import { binary, describe, unary } from './jinja-operators.ts';
import { type Doc, isMapping, str, truthy, type Value } from './python-value.ts';

/** Something that has no value; using it is a mistake, asking `is defined` or `default` is not. */
class Undefined {
  readonly complaint: string;

  constructor(complaint: string) {
    this.complaint = complaint;
  }
}

/** The names that a template sees. */
export type Scope = Map<string, Value>;

/** The value of an expression; one that has none is a TemplateError. */
export function evaluate(node: Expression, scope: Scope): Value {
  const value = look(node, scope);
  if (value instanceof Undefined) throw new TemplateError(value.complaint);
  return value;
}

/** The value of an expression, or that it has none. */
function look(node: Expression, scope: Scope): Value | Undefined {
  switch (node.type) {
    case 'StringLiteral':
    case 'IntegerLiteral':
    case 'FloatLiteral':
      return node.value;
    case 'Identifier':
      return lookUp(node.value, scope);
    case 'ArrayLiteral':
    case 'TupleLiteral':
      return node.value.map((item) => evaluate(item, scope));
    case 'ObjectLiteral':
      return Object.fromEntries(
        [...node.value].map(([key, item]) => [str(evaluate(key, scope)), evaluate(item, scope)]),
      );
    case 'MemberExpression':
      return member(node, scope);
    case 'CallExpression':
      return call(node, scope);
    case 'FilterExpression':
      return filtered(node, scope);
    case 'UnaryExpression':
      return unary(node.operator.value, evaluate(node.argument, scope));
    case 'BinaryExpression':
      return binaryOf(node, scope);
    case 'TestExpression':
      return test(node.test.value, look(node.operand, scope)) !== node.negate;
    case 'Ternary':
      return evaluate(truthy(evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
    case 'SelectExpression':
      return truthy(evaluate(node.test, scope))
        ? evaluate(node.lhs, scope)
        : new Undefined('a condition without else does not hold');
    default:
      throw new TemplateError(`'${(node as { type: string }).type}' is not supported in task files`);
  }
}

const constants: Record<string, Value> = { true: true, True: true, false: false, False: false, none: null, None: null };

function lookUp(name: string, scope: Scope): Value | Undefined {
  const value = scope.get(name);
  if (value !== undefined) return value;
  if (Object.hasOwn(constants, name)) return constants[name] as Value;
  return new Undefined(
    `'${name}' is undefined, the record has ${[...scope.keys()].slice(0, 20).join(', ') || 'nothing'}`,
  );
}

function member(node: MemberExpression, scope: Scope): Value | Undefined {
  const object = evaluate(node.object, scope);
  const { property } = node;
  if (property.type === 'SliceExpression') return slice(object, property, scope);
  const key = !node.computed && property.type === 'Identifier' ? property.value : evaluate(property, scope);
  return item(object, key);
}

function item(object: Value, key: Value): Value | Undefined {
  if (typeof key === 'number' && (Array.isArray(object) || typeof object === 'string')) {
    const items = list(object);
    return items[key < 0 ? key + items.length : key] ?? outOfRange(items, key);
  }
  if (typeof key === 'string') {
    if (isMapping(object) && Object.hasOwn(object, key)) return object[key] as Value;
    // a list of structs where the hub's `Sequence(dict)` gives a struct of lists
    if (
      Array.isArray(object) &&
      object.length > 0 &&
      object.every((row) => isMapping(row) && Object.hasOwn(row, key))
    ) {
      return object.map((row) => (row as Doc)[key] as Value);
    }
  }
  return new Undefined(`${describe(object)} has no ${typeof key === 'string' ? `'${key}'` : str(key)}`);
}

function outOfRange(items: readonly Value[], key: number): Value | Undefined {
  const index = key < 0 ? key + items.length : key;
  return index in items ? (items[index] ?? null) : new Undefined(`index ${key} of a list of ${items.length}`);
}

function slice(object: Value, { start, stop, step }: SliceExpression, scope: Scope): Value {
  const items = list(object);
  const bound = (node: Expression | undefined) => {
    const value = node === undefined ? null : evaluate(node, scope);
    if (value === null || typeof value === 'number') return value;
    throw new TemplateError(`a slice by ${str(value)}`);
  };
  const by = bound(step) ?? 1;
  if (by === 0) throw new TemplateError('slice step cannot be zero');
  const clamp = (value: number | null, otherwise: number, low: number, high: number) =>
    value === null ? otherwise : Math.min(high, Math.max(low, value < 0 ? value + items.length : value));
  const [low, high] = by > 0 ? [0, items.length] : [-1, items.length - 1];
  const from = clamp(bound(start), by > 0 ? low : high, low, high);
  const to = clamp(bound(stop), by > 0 ? high : low, low, high);
  const chosen: Value[] = [];
  for (let i = from; by > 0 ? i < to : i > to; i += by) chosen.push(items[i] as Value);
  return typeof object === 'string' ? chosen.join('') : chosen;
}

function call(node: CallExpression, scope: Scope): Value {
  const { callee } = node;
  const args = argumentsOf(node, scope);
  if (callee.type === 'Identifier') return callFunction(callee.value, args);
  if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') {
    throw new TemplateError('only methods and known functions can be called');
  }
  const object = evaluate(callee.object, scope);
  const method = methodOf(object, callee.property.value);
  if (method === undefined) throw new TemplateError(`${describe(object)} has no method '${callee.property.value}'`);
  return method(args);
}

function callFunction(name: string, { positional }: Arguments): Value {
  if (name !== 'range') throw new TemplateError(`unknown function '${name}'`);
  const bounds = positional.map(Number);
  const [start, stop] = bounds.length === 1 ? [0, bounds[0] as number] : [bounds[0] ?? 0, bounds[1] ?? 0];
  if (!(stop - start <= 100_000)) throw new TemplateError('a range of more than 100000');
  return Array.from({ length: Math.max(0, stop - start) }, (_, i) => start + i);
}

function argumentsOf({ args }: CallExpression, scope: Scope): Arguments {
  const found: Arguments = { positional: [], named: {} };
  for (const arg of args) {
    if (arg.type === 'KeywordArgumentExpression') found.named[arg.key.value] = evaluate(arg.value, scope);
    else found.positional.push(evaluate(arg, scope));
  }
  return found;
}

function filtered({ operand, filter }: FilterExpression, scope: Scope): Value {
  const isCall = filter.type === 'CallExpression';
  const name = isCall ? nameOf(filter.callee) : filter.value;
  const args = isCall ? argumentsOf(filter, scope) : { positional: [], named: {} };
  const value = look(operand, scope);
  if (!(value instanceof Undefined)) return applyFilter(name, value, args);
  if (name === 'default') return args.positional[0] ?? '';
  throw new TemplateError(value.complaint);
}

function binaryOf(node: Extract<Expression, { type: 'BinaryExpression' }>, scope: Scope): Value {
  const operator = node.operator.value;
  const left = evaluate(node.left, scope);
  if (operator === 'and') return truthy(left) ? evaluate(node.right, scope) : left;
  if (operator === 'or') return truthy(left) ? left : evaluate(node.right, scope);
  return binary(operator, left, evaluate(node.right, scope));
}

/** The name that a node is. */
export function nameOf(node: Expression): string {
  if (node.type === 'Identifier') return node.value;
  throw new TemplateError(`expected a name, got ${node.type}`);
}

function test(name: string, value: Value | Undefined): boolean {
  if (name === 'defined') return !(value instanceof Undefined);
  if (name === 'undefined') return value instanceof Undefined;
  if (value instanceof Undefined) throw new TemplateError(value.complaint);
  const tests: Record<string, () => boolean> = {
    none: () => value === null,
    string: () => typeof value === 'string',
    number: () => typeof value === 'number',
    mapping: () => isMapping(value),
    sequence: () => Array.isArray(value) || typeof value === 'string',
    odd: () => typeof value === 'number' && Math.abs(value % 2) === 1,
    even: () => typeof value === 'number' && value % 2 === 0,
  };
  const holds = tests[name];
  if (holds === undefined) throw new TemplateError(`unknown test '${name}'`);
  return holds();
}
