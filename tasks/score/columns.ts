// What a data set makes of its records' values: every column has one type.
import { type Doc, float, isMapping, type Value } from '../../python/value.ts';

/**
 * Whole numbers of a column that also has others become floats, since that is what Python reads: 1 beside 2.5 prints `1.0`.
 * JSON does not tell 3.0 from 3, so that a column of floats that are all whole stays one of integers.
 */
export function typeColumns(docs: readonly Doc[]): void {
  const floats = new Set<string>();
  for (const doc of docs) findFloats(doc, '', floats);
  if (floats.size > 0) for (const doc of docs) Object.assign(doc, typed(doc, '', floats));
}

const inside = (path: string, key: string) => `${path}\0${key}`;

function findFloats(value: Value, path: string, floats: Set<string>): void {
  if (typeof value === 'number' && !Number.isInteger(value)) floats.add(path);
  else if (Array.isArray(value)) for (const item of value) findFloats(item, inside(path, ''), floats);
  else if (isMapping(value))
    for (const key of Object.keys(value)) findFloats(value[key] as Value, inside(path, key), floats);
}

function typed(value: Value, path: string, floats: ReadonlySet<string>): Value {
  if (typeof value === 'number') return floats.has(path) ? float(value) : value;
  if (Array.isArray(value)) return value.map((item) => typed(item, inside(path, ''), floats));
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typed(item, inside(path, key), floats)]));
}
