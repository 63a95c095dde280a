// Which numbers of two metrics are not the same.
import { isObject } from '../../util/json.ts';

/** A number at a dotted path of a metrics file; null where one side has none there. */
export interface MetricDrift {
  field: string;
  before: number | null;
  after: number | null;
}

/** The numbers that differ, in the order of their paths. */
export function compareMetrics(before: unknown, after: unknown): MetricDrift[] {
  const [old, now] = [numbersOf(before), numbersOf(after)];
  const fields = [...new Set([...old.keys(), ...now.keys()])].sort();
  return fields.flatMap((field) => {
    const [a = null, b = null] = [old.get(field), now.get(field)];
    return a === b ? [] : [{ field, before: a, after: b }];
  });
}

/** How much a number moved, as a share of what it was; undefined where one side has none. */
export function relativeDrift({ before, after }: MetricDrift): number | undefined {
  if (before === null || after === null) return undefined;
  return before === 0 ? Number.POSITIVE_INFINITY : Math.abs(after - before) / Math.abs(before);
}

function numbersOf(value: unknown): Map<string, number> {
  const found = new Map<string, number>();
  const pending: [string, unknown][] = [['', value]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [path, inner] = next;
    if (typeof inner === 'number') found.set(path, inner);
    const entries = Array.isArray(inner) ? inner.entries() : isObject(inner) ? Object.entries(inner) : [];
    for (const [key, each] of entries) pending.push([path === '' ? String(key) : `${path}.${key}`, each]);
  }
  return found;
}
