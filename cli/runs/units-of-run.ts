// The units of a run that is kept, by its own plan and outcome: its spec may be gone, or make others by now.
import { loadRun } from '../../store/runs/runs.ts';
import { isObject } from '../../util/json.ts';
import type { Named } from '../common/why-subject.ts';
import { loadKeptPlan } from './kept-plan.ts';

/** A unit and the key that it had. */
export interface UnitOfRun {
  node: string;
  stage: string;
  cell: string;
  unit: string;
  key: string;
}

export interface UnitsOfRun {
  /** What stages and cells are called in it. */
  plan: Named;
  /** Those whose keys were known, in the order of the plan. */
  units: readonly UnitOfRun[];
}

/** Undefined while a run has no outcome, and for one of before plans were kept. Throws UserError for a damaged file. */
export function unitsOfRun(store: string, experiment: string, run: string): UnitsOfRun | undefined {
  const snapshot = loadKeptPlan(store, experiment, run);
  const outcome = loadRun(store, experiment, run, 'outcome');
  if (snapshot === null || outcome === undefined) return undefined;
  const names = new Map(snapshot.nodes.map(({ id, stage, cell }) => [id, { node: id, stage, cell }]));
  const units = listOf(outcome.nodes).flatMap((node) => {
    const name = names.get(String(node.node));
    return listOf(node.units).flatMap(({ unit, key }) =>
      name !== undefined && typeof key === 'string' ? [{ ...name, unit: String(unit), key }] : [],
    );
  });
  const cells = snapshot.cells.map(({ name, axes, node }) => ({ name, axes, metric: { node } }));
  return { plan: { ...snapshot, cells }, units };
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
