// Under which keys a run had its units: its logs are found by them, whatever its spec says by now.

import { findRuns } from '../../store/runs/run-labels.ts';
import { loadRun } from '../../store/runs/runs.ts';
import { isObject } from '../../util/json.ts';
import { resultsName } from './run-files.ts';
import { isRunReference } from './run-reference.ts';

/** The key of a node's unit; undefined where no run was named, or it does not say. */
export type KeysOfUnits = (node: string, unit: string) => string | undefined;

/** The keys of the run that `text` names, by its outcome. Throws UserError for a damaged one. */
export function keysOfRun(text: string, store: string): KeysOfUnits {
  const [experiment = '', wanted = ''] = text.split('@', 2);
  const run = isRunReference(text) && wanted !== resultsName ? findRuns(store, experiment, wanted).at(-1) : undefined;
  const nodes = run === undefined ? undefined : loadRun(store, experiment, run, 'outcome')?.nodes;
  const keys = new Map<string, string>();
  for (const node of listOf(nodes)) {
    for (const { unit, key } of listOf(node.units)) {
      if (typeof key === 'string') keys.set(`${node.node}\n${unit}`, key);
    }
  }
  return (node, unit) => keys.get(`${node}\n${unit}`);
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
