// What the stages of a run warned of, gathered from its outcome.
import type { Plan } from '../../contract/plan.ts';
import type { ResultWarning } from '../../contract/result.ts';
import { type RunOutcome, succeeded } from '../../runner/run/outcome.ts';
import { groupWarnings, type NodeWarning } from '../../spec/plan/warnings.ts';

/** The warnings of a run: what stages say of their parameters and inputs, and what is in the records of what they made. */
export function warningsOf(plan: Plan, { nodes }: Pick<RunOutcome, 'nodes'>): ResultWarning[] {
  const all: NodeWarning[] = [...nodes.values()].flatMap(({ node, warnings, units }) => {
    const said = new Set([...warnings, ...units.filter(succeeded).flatMap((unit) => unit.warnings)]);
    return [...said].map((message) => ({ node, message }));
  });
  return groupWarnings(plan, all);
}
