// Finds what belongs together on two sides: by the axes that both have.
import type { PlanAxis } from '../../contract/plan.ts';

export interface Matches<T> {
  pairs: readonly { before: T; after: T }[];
  only_before: readonly T[];
  only_after: readonly T[];
}

/** Names of axes that both sides have, without `left_out`. */
export function commonAxes(
  before: readonly PlanAxis[],
  after: readonly PlanAxis[],
  left_out: readonly string[] = [],
): string[] {
  const names = new Set(after.map((axis) => axis.name));
  return before.map((axis) => axis.name).filter((name) => names.has(name) && !left_out.includes(name));
}

/**
 * Pairs with equal values on `axes`, in the order of `after`. Where an axis of one side alone splits what is one on the
 * other, each part is paired with that one; where both sides split, nothing belongs together.
 */
export function matchByAxes<T extends { axes: Readonly<Record<string, string>> }>(
  before: readonly T[],
  after: readonly T[],
  axes: readonly string[],
): Matches<T> {
  const keyOf = ({ axes: values }: T) => JSON.stringify(axes.map((name) => values[name] ?? null));
  const [left, right] = [groupBy(before, keyOf), groupBy(after, keyOf)];
  const pairs: { before: T; after: T }[] = [];
  const only_after: T[] = [];
  const paired = new Set<string>();
  for (const [key, news] of right) {
    const olds = left.get(key) ?? [];
    if (olds.length === 0 || (olds.length > 1 && news.length > 1)) only_after.push(...news);
    else {
      paired.add(key);
      for (const one of olds) for (const other of news) pairs.push({ before: one, after: other });
    }
  }
  const only_before = [...left].flatMap(([key, olds]) => (paired.has(key) ? [] : olds));
  return { pairs, only_before, only_after };
}

/** Items by a key, in the order in which keys occur. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
