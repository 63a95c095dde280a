import type { ResultWarning } from '../../contract/result.ts';
import { saidBy, stagesOf } from '../../spec/plan/warnings.ts';
import { type ClaimsDiff, diffClaims } from './claims.ts';
import { environmentRemarks } from './environment.ts';
import { diffMetrics, type MetricsDiff } from './metrics.ts';
import type { DiffResult, DiffSide } from './side.ts';
import { diffSpecs, type SpecDiff } from './spec.ts';

export interface Diff {
  before: DiffSide;
  after: DiffSide;
  /** True when nothing differs: neither what was asked for, nor numbers, nor claims. */
  equal: boolean;
  /** What could not be compared, and why. */
  remarks: readonly string[];
  spec: SpecDiff;
  /** Null when some side has no numbers. */
  metrics: MetricsDiff | null;
  claims: ClaimsDiff | null;
  /** What stages warned of on one side alone. */
  warnings: WarningsDiff | null;
}

export interface WarningsDiff {
  added: readonly ResultWarning[];
  removed: readonly ResultWarning[];
}

/** Compares two sides; linear in their nodes and cells. `remarks` are those of who found the sides. */
export function compareSides(before: DiffSide, after: DiffSide, remarks: readonly string[] = []): Diff {
  const spec = diffSpecs(before, after);
  const metrics = metricsOf(before, after);
  const claims = diffClaims(before, after);
  const warnings = warningsOf(before, after);
  const moved = metrics === null ? 0 : countMoved(metrics);
  const flipped = claims === null ? 0 : claims.changes.length;
  const equal = spec.changes.length + moved + flipped === 0;
  const all = [
    ...remarks,
    ...missingPlans([before, after], spec),
    ...(moved > 0 ? environmentRemarks(before, after) : []),
  ];
  return { before, after, equal, remarks: all, spec, metrics, claims, warnings };
}

/** By stage and sentence: that a sentence concerns other cells is seen in the spec. */
function warningsOf(before: DiffSide, after: DiffSide): WarningsDiff | null {
  if (before.result === null || after.result === null) return null;
  const without = (those: DiffResult, these: DiffResult) => {
    const said = (stage: string, message: string) => JSON.stringify([stage, message]);
    const known = new Set(these.warnings.flatMap((each) => stagesOf(each).map((stage) => said(stage, each.message))));
    return those.warnings.flatMap((each) => {
      const stages = stagesOf(each).filter((stage) => !known.has(said(stage, each.message)));
      return stages.length === 0 ? [] : [saidBy(stages, each.message, each.cells)];
    });
  };
  return { added: without(after.result, before.result), removed: without(before.result, after.result) };
}

function countMoved({ changes, only_before, only_after, beside }: MetricsDiff): number {
  return changes.length + only_before.length + only_after.length + beside.length;
}

function metricsOf(before: DiffSide, after: DiffSide): MetricsDiff | null {
  if (before.result === null || after.result === null) return null;
  return diffMetrics(before.result, after.result, before.kind === 'spec' || after.kind === 'spec');
}

function missingPlans(sides: readonly DiffSide[], { whole }: SpecDiff): string[] {
  const without = whole ? [] : sides.filter((side) => side.plan === null);
  if (without.length === 0) return [];
  const labels = [...new Set(without.map((side) => side.label))].join(' and ');
  return [`the plan of ${labels} was not kept, so parameters and inputs are not compared`];
}
