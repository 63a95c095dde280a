// One side of a comparison.
import type { PlanAxis, PlanTable } from '../../contract/plan.ts';
import type { CellResult, ClaimResult, Provenance, ResultEnvironment, ResultWarning } from '../../contract/result.ts';
import type { Json } from '../../contract/stage.ts';
import type { PlanSnapshot } from '../../store/runs/plan-snapshot.ts';

/** What is compared: a run, an outcome that is kept in the results folder, or a spec as it is resolved. */
export interface DiffSide {
  kind: 'run' | 'outcome' | 'spec';
  /** How a user names it: `table-2@2026-11-22T15-02-11Z`, `experiments/table-2.yaml@HEAD`. */
  label: string;
  experiment: string;
  profile: string;
  /** The run's name; null for a spec and for an outcome. */
  run: string | null;
  /** The git revision that it was read from; null for the working tree and the store. */
  revision: string | null;
  /** Null where it was not kept. */
  plan: PlanSnapshot | null;
  /** Null where nothing has run. */
  result: DiffResult | null;
}

/** The numbers of a side, and the verdicts on its claims. */
export interface DiffResult {
  axes: readonly PlanAxis[];
  table: PlanTable;
  cells: readonly CellResult[];
  claims: readonly ClaimResult[];
  overrides: readonly string[];
  warnings: readonly ResultWarning[];
  /** What the numbers were made of, where it was kept. */
  provenance?: Provenance | null | undefined;
  /** What they were computed with, where it was kept. */
  environments?: readonly ResultEnvironment[] | null | undefined;
}

/** One value, or the several that a stage has in its cells; empty where the side does not have it. */
export type Values = readonly Json[];
