// What sets two key pre-images apart, field by field.
import type { KeyPreimage } from '../../store/key.ts';
import { canonicalJson, isObject, type Json } from '../../util/json.ts';

/** One field that differs. A side that does not have it is undefined. */
export interface Difference {
  /** `source`: the bytes of a file or folder that a parameter names; `input`: those of another stage's output. */
  kind: 'param' | 'input' | 'source' | 'version' | 'seed' | 'numerics' | 'unit';
  /** Dotted, inside its kind: `optimizer.lr` for a parameter, `model` or `model.layer 3` for an input, '' for a seed. */
  name: string;
  /** JSON pointer of a parameter or source; '' otherwise. */
  pointer: string;
  before: Json | undefined;
  after: Json | undefined;
}

/** The fields in which two pre-images of one stage differ, in a fixed order. */
export function differences(before: KeyPreimage, after: KeyPreimage): Difference[] {
  const of = (kind: Difference['kind'], a: unknown, b: unknown) => compare(kind, [], a as Json, b as Json);
  return [
    ...of('version', before.version, after.version),
    ...of('unit', before.unit, after.unit),
    ...of('param', before.params, after.params),
    ...of('source', before.sources, after.sources),
    ...of('input', before.inputs, after.inputs),
    ...of('seed', before.seed, after.seed),
    ...of('numerics', before.numerics, after.numerics),
  ];
}

function compare(kind: Difference['kind'], path: string[], a: Json | undefined, b: Json | undefined): Difference[] {
  if (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b)) return [];
  if (a === undefined && b === undefined) return [];
  const inner = isObject(a) && isObject(b) && !(isBlob(a) && isBlob(b));
  if (!inner) return [{ kind, name: nameOf(kind, path), pointer: pointerOf(kind, path), before: a, after: b }];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  return keys.flatMap((key) => compare(kind, [...path, key], (a as typeof b)[key] as Json, b[key] as Json));
}

function isBlob(value: Record<string, unknown>): boolean {
  return typeof value.digest === 'string' && typeof value.size === 'number';
}

function nameOf(kind: Difference['kind'], path: string[]): string {
  if (kind === 'source') return (path[0] ?? '').slice(1).replaceAll('/', '.');
  return path.filter((part, i) => !(kind === 'input' && i === 1 && part === 'units')).join('.');
}

function pointerOf(kind: Difference['kind'], path: string[]): string {
  if (kind === 'source') return path[0] ?? '';
  if (kind !== 'param') return '';
  return path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
