// In what two nodes that do the same job differ: parameters, the bytes of paths, seed, numerics, where inputs come from.
import { isAbsolute, relative } from 'node:path';
import type { Origin, PlanInput } from '../../contract/plan.ts';
import type { Json } from '../../contract/stage.ts';
import { shippedName } from '../../located/shipped.ts';
import { type SnapshotNode, type SnapshotStage, valueAt } from '../../store/runs/plan-snapshot.ts';
import { canonicalJson, isObject } from '../../util/json.ts';
import { type Found, plainChange } from './changes.ts';

/** A node with the definition that it uses. */
export interface KnownNode {
  node: SnapshotNode;
  definition: SnapshotStage | undefined;
}

/** The differences of the nodes themselves; those of what they read are found with their inputs. */
export function nodeDifferences(before: KnownNode, after: KnownNode): Found[] {
  const [a, b] = [before.node, after.node];
  const stage = a.stage === b.stage ? b.stage : `${a.stage} → ${b.stage}`;
  if (a.use !== b.use) {
    // that another stage does it is told as wiring
    if (a.stage !== b.stage) return [];
    const change = plainChange('stage', 'use', [a.use], [b.use], stage);
    return [{ ...change, origin_before: a.origin, origin_after: b.origin }];
  }
  const seeded = before.definition?.seeded !== false && a.seed !== b.seed;
  return [
    ...versionDifference(before, after, stage),
    ...paramDifferences(a, b, stage),
    ...pathDifferences(a, b, stage),
    ...(seeded ? [plainChange('seed', 'seed', [a.seed], [b.seed], stage)] : []),
    ...(before.definition?.numeric === false ? [] : numericDifferences(a, b, stage)),
  ];
}

function versionDifference(before: KnownNode, after: KnownNode, stage: string): Found[] {
  const [old, now] = [before.definition?.version, after.definition?.version];
  if (old === undefined || now === undefined || old === now) return [];
  return [plainChange('stage', `version of ${after.node.use}`, [old], [now], stage)];
}

function numericDifferences(a: SnapshotNode, b: SnapshotNode, stage: string): Found[] {
  const fields = ['backend', 'provider', 'precision', 'threads'] as const;
  const differing = fields.filter((field) => a.numerics[field] !== b.numerics[field]);
  // where a stage has threads as a parameter, that says it already
  const said = (field: string) => field === 'threads' && 'threads' in a.params && 'threads' in b.params;
  return differing
    .filter((field) => !said(field))
    .map((field) => plainChange('numerics', field, [a.numerics[field]], [b.numerics[field]], stage));
}

function paramDifferences(a: SnapshotNode, b: SnapshotNode, stage: string): Found[] {
  const found: Found[] = [];
  const isPath = (pointer: string) => a.paths.includes(pointer) || b.paths.includes(pointer);
  const compare = (pointer: string, path: readonly string[], old: Json | undefined, now: Json | undefined) => {
    if (old === now || isPath(pointer)) return;
    if (isObject(old) && isObject(now)) {
      for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
        const next = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        compare(next, [...path, key], (old as typeof a.params)[key], (now as typeof a.params)[key]);
      }
      return;
    }
    if (sameValue(old, now)) return;
    const change = plainChange('param', path.join('.'), listOf(old), listOf(now), stage);
    found.push({ ...change, origin_before: originOf(a, pointer), origin_after: originOf(b, pointer) });
  };
  compare('', [], a.params, b.params);
  return found;
}

/** Paths are compared by the bytes that they named, where both sides know them: where a file lies does not matter. */
function pathDifferences(a: SnapshotNode, b: SnapshotNode, stage: string): Found[] {
  return [...new Set([...a.paths, ...b.paths])].flatMap((pointer) => {
    const name = pointer.slice(1).replaceAll('/', '.');
    const [old, now] = [a.sources[pointer], b.sources[pointer]];
    const places = { origin_before: originOf(a, pointer), origin_after: originOf(b, pointer) };
    if (old !== undefined && now !== undefined) {
      if (old.digest === now.digest) return [];
      return [
        { ...plainChange('source', name, [sourceText(a, pointer)], [sourceText(b, pointer, a)], stage), ...places },
      ];
    }
    const [from, to] = [valueAt(a.params, pointer), valueAt(b.params, pointer)];
    if (sameValue(from, to)) return [];
    return [{ ...plainChange('param', name, listOf(shownPath(from)), listOf(shownPath(to)), stage), ...places }];
  });
}

/** A path as a user would write it here. */
function shownPath(path: Json | undefined): Json | undefined {
  if (typeof path !== 'string' || !isAbsolute(path)) return path;
  const short = relative(process.cwd(), path);
  return shippedName(path) ?? (short === '' || short.startsWith('..') ? path : short);
}

/** `models/tiny (3f2a9c01)`: a path and how the digest of its bytes begins; the digest alone where `other` has the same path. */
function sourceText(node: SnapshotNode, pointer: string, other?: SnapshotNode): string {
  const path = valueAt(node.params, pointer);
  const digest = `(${node.sources[pointer]?.digest.slice(0, 8)})`;
  const known = path === undefined || (other !== undefined && sameValue(path, valueAt(other.params, pointer)));
  return known ? digest : `${String(shownPath(path))} ${digest}`;
}

/** A difference in where an input comes from; the names of stages count only where they do something else. */
export function wiringDifference(
  name: string,
  old: { input: PlanInput; from: SnapshotNode } | undefined,
  now: { input: PlanInput; from: SnapshotNode } | undefined,
  stage: string,
): Found[] {
  if (old !== undefined && now !== undefined) {
    const alike = old.from.use === now.from.use || old.from.stage === now.from.stage;
    if (alike && old.input.output === now.input.output) return [];
  }
  const text = (side: typeof old) => (side === undefined ? [] : [`${side.from.stage}.${side.input.output}`]);
  const change = plainChange('wiring', name, text(old), text(now), stage);
  return [{ ...change, origin_before: old?.input.origin ?? null, origin_after: now?.input.origin ?? null }];
}

function listOf(value: Json | undefined): Json[] {
  return value === undefined ? [] : [value];
}

function sameValue(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b);
}

/** Where a parameter was written: its own place, or that of the value that holds it; null for a default. */
export function originOf({ origins }: SnapshotNode, pointer: string): Origin | null {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const origin = origins[at];
    if (origin !== undefined) return origin;
  }
  return null;
}
