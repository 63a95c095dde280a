// Holds a spec file against its schema, and goes on with the parts that are right.
import type { Static, TSchema } from 'typebox';
import { isObject } from '../util/json.ts';
import type { Problems } from './diagnostic.ts';
import { compileSchema } from './json-schema.ts';
import type { Located, Span } from './located.ts';
import { entriesAt, keySpan, showValue, toPlain, valueSpan } from './located.ts';
import type { Complaint } from './schema-complaints.ts';

/** A checked file: its data, without the parts that were wrong, and where everything is. */
export interface Shaped<T> {
  data: T;
  tree: Located;
  /** Paths (keys joined by dots) of the mappings that had something wrong, which was left out: `''`, `stages.warm`. */
  wrong: ReadonlySet<string>;
}

const mostRounds = 50;

/** Reports what is wrong with the shape of a file; undefined when nothing of it can be used. */
export function checkShape<T extends TSchema>(
  schema: T,
  tree: Located,
  problems: Problems,
): Shaped<Static<T>> | undefined {
  if (tree.kind !== 'map') {
    problems.add(tree.span, `expected a mapping, got ${showValue(toPlain(tree))}`);
    return undefined;
  }
  const data = toPlain(tree) as Record<string, unknown>;
  const compiled = compileSchema(schema);
  const wrong = new Set<string>();
  for (let round = 0; round < mostRounds; round++) {
    const complaints = compiled.check(data as never);
    if (complaints.length === 0) return { data: data as Static<T>, tree, wrong };
    for (const complaint of complaints) {
      if (!wasPruned(complaint, tree)) report(complaint, tree, problems);
      const { path } = complaint;
      wrong.add((complaint.kind === 'value' ? path.slice(0, -1) : path).join('.'));
    }
    if (!complaints.every((complaint) => prune(data, complaint))) return undefined;
  }
  return undefined;
}

/** True when a key is missing only because its value was wrong and taken out before. */
function wasPruned(complaint: Complaint, tree: Located): boolean {
  return complaint.kind === 'missing' && entriesAt(tree, complaint.path).has(complaint.key);
}

function report(complaint: Complaint, tree: Located, problems: Problems): void {
  const { kind, path } = complaint;
  const { context, rest } = describe(path);
  const subject = rest === '' ? '' : `'${rest}' `;
  if (kind === 'value') problems.add(valueSpan(tree, path), `${context}${subject}${complaint.says}`);
  else if (kind === 'missing')
    problems.add(spanOfMapping(tree, path), `${context}${subject}key '${complaint.key}' is missing`);
  else {
    const says = kind === 'unknown' ? complaint.hint : `, ${complaint.says}`;
    const what = kind === 'unknown' ? 'unknown' : 'not a valid';
    const where = rest === '' ? '' : ` in '${rest}'`;
    problems.add(keySpan(tree, [...path, complaint.key]), `${context}${what} key '${complaint.key}'${where}${says}`);
  }
}

/** The key of a mapping, or the first line of the file: underlining the whole mapping would not help. */
function spanOfMapping(tree: Located, path: readonly string[]): Span {
  if (path.length > 0) return keySpan(tree, path);
  return { ...tree.span, end: tree.span.start + 1 };
}

const contexts: Readonly<Record<string, string>> = {
  stages: 'stage',
  params: 'parameter',
  axes: 'axis',
  profiles: 'profile',
  claims: 'claim',
  figures: 'figure',
};

/** What a message calls the value at a path: `stage 'warm': ` and `with.lr`. */
function describe(path: readonly string[]): { context: string; rest: string } {
  const [section = '', name] = path;
  const word = contexts[section];
  if (word === undefined || name === undefined) return { context: '', rest: path.join('.') };
  const shown = section === 'claims' || section === 'figures' ? `${Number(name) + 1}` : `'${name}'`;
  return { context: `${word} ${shown}: `, rest: path.slice(2).join('.') };
}

/** Takes the wrong part out (of a list, the whole list); false when that is the whole file. */
function prune(data: Record<string, unknown>, complaint: Complaint): boolean {
  const path =
    complaint.kind === 'unknown' || complaint.kind === 'key' ? [...complaint.path, complaint.key] : complaint.path;
  if (path.length === 0) return false;
  let [holder, key]: [Record<string, unknown>, string] = [data, path[0] as string];
  let at: unknown = data[key];
  for (const next of path.slice(1)) {
    if (isObject(at)) [holder, key] = [at, next];
    at = (at as Record<string, unknown> | undefined)?.[next];
  }
  delete holder[key];
  return true;
}
