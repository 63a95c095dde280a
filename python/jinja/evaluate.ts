// Expressions of templates: names, members, calls and filters, evaluated to Python's values.
import { type Arguments, integer, list } from '../call.ts';
import { type Doc, float, isMapping, kindOf, PythonError, Sequence, str, truthy, type Value } from '../value.ts';
import { applyFilter } from './filters.ts';
import { isMappingMethod, methodOf } from './methods.ts';
import type { CallExpression, Expression, FilterExpression, MemberExpression, SliceExpression } from './nodes.ts';
import { binary, describe, isComparison, unary } from './operators.ts';
import { holds } from './tests.ts';

/** Something that has no value; using it is a mistake, asking `is defined` or `default` is not. */
class Undefined {
  readonly complaint: string;

  constructor(complaint: string) {
    this.complaint = complaint;
  }
}

/** The names that a template sees. */
export type Scope = Map<string, Value>;

/** The value of an expression; one that has none is a PythonError. */
export function evaluate(node: Expression, scope: Scope): Value {
  return defined(look(node, scope));
}

function defined(found: Value | Undefined): Value {
  if (found instanceof Undefined) throw new PythonError(found.complaint);
  return found;
}

/** The text that an expression prints; a condition without else that does not hold prints nothing. */
export function print(node: Expression, scope: Scope): string {
  const isAbsent = node.type === 'SelectExpression' && !truthy(evaluate(node.test, scope));
  return isAbsent ? '' : str(evaluate(node, scope));
}

/** The value of an expression, or that it has none. */
function look(node: Expression, scope: Scope): Value | Undefined {
  switch (node.type) {
    case 'StringLiteral':
    case 'IntegerLiteral':
      return node.value;
    case 'FloatLiteral':
      return float(node.value);
    case 'Identifier':
      return lookUp(node.value, scope);
    case 'ArrayLiteral':
      return node.value.map((item) => evaluate(item, scope));
    case 'TupleLiteral':
      return Sequence.make(
        'tuple',
        node.value.map((item) => evaluate(item, scope)),
      );
    case 'ObjectLiteral':
      return Object.fromEntries(
        [...node.value].map(([key, item]) => [keyOf(evaluate(key, scope)), evaluate(item, scope)]),
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
      return look(truthy(evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
    case 'SelectExpression':
      return truthy(evaluate(node.test, scope))
        ? look(node.lhs, scope)
        : new Undefined('a condition without else does not hold');
    default:
      throw new PythonError(`'${(node as { type: string }).type}' is not supported in task files`);
  }
}

const constants: Record<string, Value> = { true: true, True: true, false: false, False: false, none: null, None: null };

function lookUp(name: string, scope: Scope): Value | Undefined {
  if (Object.hasOwn(constants, name)) return constants[name] as Value;
  const value = scope.get(name);
  if (value !== undefined) return value;
  return new Undefined(
    `'${name}' is undefined, the record has ${[...scope.keys()].slice(0, 20).join(', ') || 'nothing'}`,
  );
}

/** Keys of mappings are texts here, as those of records are. */
function keyOf(key: Value): string {
  if (typeof key === 'string') return key;
  throw new PythonError(`a mapping with the key ${str(key)}: only texts can be keys`);
}

function member(node: MemberExpression, scope: Scope): Value | Undefined {
  const object = evaluate(node.object, scope);
  const { property } = node;
  if (property.type === 'SliceExpression') return slice(object, property, scope);
  if (node.computed || property.type !== 'Identifier') return item(object, evaluate(property, scope));
  if (isMapping(object) && isMappingMethod(property.value)) {
    throw new PythonError(`'.${property.value}' is a method of mappings: write ['${property.value}'] for the key`);
  }
  return item(object, property.value);
}

function item(object: Value, key: Value): Value | Undefined {
  if (typeof key === 'number' && (Array.isArray(object) || typeof object === 'string')) return itemAt(object, key);
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

function itemAt(object: Value[] | string, key: number): Value | Undefined {
  const items = list(object);
  const found = isIndexable(object) ? items[key < 0 ? key + items.length : key] : undefined;
  if (found !== undefined) return found;
  return new Undefined(`index ${key} of a ${typeof object === 'string' ? 'text' : kindOf(object)} of ${items.length}`);
}

/** The keys, values and items of a mapping have an order and no places. */
function isIndexable(object: Value[] | string): boolean {
  return typeof object === 'string' || ['list', 'tuple', 'range'].includes(kindOf(object));
}

function slice(object: Value, { start, stop, step }: SliceExpression, scope: Scope): Value {
  if (!Array.isArray(object) && typeof object !== 'string') throw new PythonError(`a slice of ${describe(object)}`);
  if (!isIndexable(object)) throw new PythonError(`a slice of ${describe(object)}`);
  const items = list(object);
  const bound = (node: Expression | undefined) => {
    const value = node === undefined ? null : evaluate(node, scope);
    return value === null ? null : integer(value, 0);
  };
  const by = bound(step) ?? 1;
  if (by === 0) throw new PythonError('slice step cannot be zero');
  const clamp = (value: number | null, otherwise: number, low: number, high: number) =>
    value === null ? otherwise : Math.min(high, Math.max(low, value < 0 ? value + items.length : value));
  const [low, high] = by > 0 ? [0, items.length] : [-1, items.length - 1];
  const from = clamp(bound(start), by > 0 ? low : high, low, high);
  const to = clamp(bound(stop), by > 0 ? high : low, low, high);
  const chosen: Value[] = [];
  for (let i = from; by > 0 ? i < to : i > to; i += by) chosen.push(items[i] as Value);
  if (typeof object === 'string') return chosen.join('');
  const kind = kindOf(object);
  return kind === 'list' ? chosen : Sequence.make(kind, chosen);
}

function call(node: CallExpression, scope: Scope): Value {
  const { callee } = node;
  const args = argumentsOf(node, scope);
  if (callee.type === 'Identifier') return callFunction(callee.value, args);
  if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') {
    throw new PythonError('only methods and known functions can be called');
  }
  const object = evaluate(callee.object, scope);
  const method = methodOf(object, callee.property.value);
  if (method === undefined) throw new PythonError(`${describe(object)} has no method '${callee.property.value}'`);
  return method(args);
}

const longestRange = 100_000;

function callFunction(name: string, { positional, named }: Arguments): Value {
  if (name !== 'range') throw new PythonError(`unknown function '${name}'`);
  if (positional.length < 1 || positional.length > 3 || Object.keys(named).length > 0) {
    throw new PythonError("'range' takes one to three numbers");
  }
  const bounds = positional.map((bound) => integer(bound, 0));
  const [start, stop] = bounds.length === 1 ? [0, bounds[0] as number] : [bounds[0] as number, bounds[1] as number];
  const by = bounds[2] ?? 1;
  if (by === 0) throw new PythonError('a range in steps of zero');
  const length = Math.max(0, Math.ceil((stop - start) / by));
  if (length > longestRange) throw new PythonError(`a range of more than ${longestRange}`);
  return Sequence.make(
    'range',
    Array.from({ length }, (_, i) => start + i * by),
  );
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
  if (value instanceof Undefined && (name === 'default' || name === 'd')) {
    return applyFilter(name, null, {
      positional: [args.positional[0] ?? args.named.default_value ?? '', true],
      named: {},
    });
  }
  return applyFilter(name, defined(value), args);
}

type BinaryExpression = Extract<Expression, { type: 'BinaryExpression' }>;

function binaryOf(node: BinaryExpression, scope: Scope): Value {
  const operator = node.operator.value;
  refuseAmbiguous(operator, node.left);
  const left = evaluate(node.left, scope);
  if (operator === 'and') return truthy(left) ? evaluate(node.right, scope) : left;
  if (operator === 'or') return truthy(left) ? left : evaluate(node.right, scope);
  if (operator === '~' && isSum(node.left) && typeof left !== 'string') {
    throw new PythonError("'~' binds closer than + and - in Jinja: write brackets, as in 'a + (b ~ c)'");
  }
  return binary(operator, left, evaluate(node.right, scope));
}

/** The parser reads `a < b < c` from the left, and brackets leave no trace. */
function refuseAmbiguous(operator: string, left: Expression): void {
  if (!isComparison(operator) || left.type !== 'BinaryExpression' || !isComparison(left.operator.value)) return;
  throw new PythonError("a chain of comparisons is not supported: write 'a < b and b < c'");
}

function isSum(node: Expression): boolean {
  return node.type === 'BinaryExpression' && ['+', '-'].includes(node.operator.value);
}

/** The name that a node is. */
export function nameOf(node: Expression): string {
  if (node.type === 'Identifier') return node.value;
  throw new PythonError(`expected a name, got ${node.type}`);
}

function test(name: string, value: Value | Undefined): boolean {
  if (name === 'defined') return !(value instanceof Undefined);
  if (name === 'undefined') return value instanceof Undefined;
  return holds(name, defined(value));
}
