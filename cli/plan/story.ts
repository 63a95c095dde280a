// What lamina why tells: units with their last failure, and what a number was made of.
import type { PlanCell } from '../../contract/plan.ts';
import type { Explanation, LineageStep } from '../../runner/explain/explain.ts';
import type { PastFailure } from '../runs/past-failures.ts';

/** What is known of a unit, and how its last attempt failed where it has no result. */
export interface Explained extends Explanation {
  last_failure: PastFailure | null;
}

export interface ExplainedStep extends LineageStep {
  last_failure: PastFailure | null;
}

/** A cell's number, if it is there, and every unit that it was or would be made of. */
export interface CellStory {
  cell: PlanCell;
  value: number | null;
  steps: readonly ExplainedStep[];
}
