// Says on standard error what stages warn of: each sentence once, however often a run comes upon it and whichever stages say it.
import type { Plan } from '../../contract/plan.ts';
import type { ResultWarning } from '../../contract/result.ts';
import { groupWarnings, type NodeWarning, saidBy, stagesOf, warningText } from '../../spec/plan/warnings.ts';

/** The warnings of one run of a plan, on their way to whoever watches. */
export class Warnings {
  readonly #plan: Plan;
  readonly #said = new Set<string>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** The texts of those that are new; without their cells where more nodes may yet say the same. */
  fresh(warnings: readonly NodeWarning[], whole: boolean): string[] {
    return this.#new(groupWarnings(this.#plan, warnings)).map((each) => this.#text(each, whole));
  }

  /** The texts of those of the result that were not said while it was made. */
  rest(warnings: readonly ResultWarning[]): string[] {
    return this.#new(warnings).map((each) => this.#text(each, true));
  }

  #new(warnings: readonly ResultWarning[]): ResultWarning[] {
    const fresh = warnings.filter(({ message }) => !this.#said.has(message));
    for (const { message } of fresh) this.#said.add(message);
    return fresh;
  }

  #text(warning: ResultWarning, whole: boolean): string {
    return warningText(warning, whole ? this.#plan.cells.length : 0);
  }
}

/** The same sentence in several plans is one; its stages are joined, its cells and all of them added up. */
export function joinWarnings(
  plans: readonly Plan[],
  warnings: readonly (readonly NodeWarning[])[],
): { warning: ResultWarning; of: number }[] {
  const joined = new Map<string, { warning: ResultWarning; of: number }>();
  plans.forEach((plan, i) => {
    for (const warning of groupWarnings(plan, warnings[i] ?? [])) {
      const { message, cells } = warning;
      const known = joined.get(message);
      const stages = new Set([...(known ? stagesOf(known.warning) : []), ...stagesOf(warning)]);
      const both = saidBy(stages, message, (known?.warning.cells ?? 0) + cells);
      joined.set(message, { warning: both, of: (known?.of ?? 0) + plan.cells.length });
    }
  });
  return [...joined.values()];
}
