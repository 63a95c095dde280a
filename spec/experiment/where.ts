// `where`: comparisons between axes that a cell must pass, such as `reference < target`.
import type { Problems } from '../../located/diagnostic.ts';
import type { Located, LocatedScalar } from '../../located/located.ts';
import type { Axis } from './axes.ts';
import { axisIndex } from './axes.ts';
import type { Choice } from './evaluator.ts';

/** True for a cell that is kept. */
export type Condition = (choice: Choice) => boolean;

type Operator = '<' | '<=' | '>' | '>=' | '=' | '!=';

const comparison = /^\s*(\S+)\s+(<=|>=|!=|<|>|=)\s+(\S+)(?:\s+([+-])\s+(\d+))?\s*$/;

/** The conditions of an experiment, joined by and; wrong ones are reported and left out. */
export function readConditions(tree: Located | undefined, axes: readonly Axis[], problems: Problems): Condition {
  const items = tree?.kind === 'list' ? tree.items : tree === undefined ? [] : [tree];
  const conditions = items.flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string' ? readCondition(item, axes, problems) : [],
  );
  return (choice) => conditions.every((holds) => holds(choice));
}

function readCondition(item: LocatedScalar, axes: readonly Axis[], problems: Problems): Condition[] {
  const [, left = '', operator, right = '', sign, shift = '0'] = comparison.exec(String(item.value)) ?? [];
  if (operator === undefined) {
    problems.add(item.span, "where: expected 'axis < axis', 'axis = axis + 1' or 'axis >= number' (also <=, >, !=)");
    return [];
  }
  const first = axisIndex(axes, left, item.span, 'where: ', problems);
  const isNumber = Number.isFinite(Number(right));
  const second = isNumber ? -1 : axisIndex(axes, right, item.span, 'where: ', problems);
  if (first < 0 || (second < 0 && !isNumber)) return [];
  const compared = second < 0 ? [first] : [first, second];
  for (const axis of compared.map((index) => axes[index] as Axis)) {
    const odd = axis.values.find((value) => !Number.isFinite(Number(value.name)));
    if (odd === undefined) continue;
    problems.add(item.span, `where: value '${odd.name}' of axis '${axis.name}' is no number and cannot be compared`);
    return [];
  }
  const offset = sign === '-' ? -Number(shift) : Number(shift);
  const numberAt = (axis: number, choice: Choice) => Number(axes[axis]?.values[choice[axis] as number]?.name);
  return [
    (choice) =>
      compare(
        numberAt(first, choice),
        operator as Operator,
        (second < 0 ? Number(right) : numberAt(second, choice)) + offset,
      ),
  ];
}

function compare(a: number, operator: Operator, b: number): boolean {
  if (operator === '=') return a === b;
  if (operator === '!=') return a !== b;
  if (operator === '<') return a < b;
  if (operator === '<=') return a <= b;
  return operator === '>' ? a > b : a >= b;
}
