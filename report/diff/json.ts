// The stable JSON form of a diff; documented in docs/diff.md.
import type { JsonObject } from '../../util/json.ts';
import type { Diff } from './diff.ts';
import type { DiffSide } from './side.ts';

/**
 * `{format, version, equal, before, after, remarks, spec: {whole, changes}, metrics, claims, warnings}`. `before` and `after` of a
 * change are lists of values: of one value, of none where that side does not have it, of several where its cells differ.
 */
export function diffJson({ before, after, equal, remarks, spec, metrics, claims, warnings }: Diff): JsonObject {
  const { whole, changes } = spec;
  const value = {
    format: 'lamina-diff',
    version: 1,
    equal,
    before: sideJson(before),
    after: sideJson(after),
    remarks,
    spec: { whole, changes: changes.map(({ cells, ...change }) => ({ ...change, cells })) },
    metrics,
    claims,
    warnings,
  };
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

function sideJson({ kind, label, experiment, profile, run, revision }: DiffSide) {
  return { kind, label, experiment, profile, run, revision };
}
