// Says on standard error what stages warn of: each sentence once, however often a run comes upon it.
import type { Plan } from '../../contract/plan.ts';
import type { ResultWarning } from '../../contract/result.ts';
import { groupWarnings, type NodeWarning, warningText } from '../../spec/plan/warnings.ts';

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
    return warnings.filter(({ stage, message }) => {
      const key = `${stage}\n${message}`;
      if (this.#said.has(key)) return false;
      this.#said.add(key);
      return true;
    });
  }

  #text(warning: ResultWarning, whole: boolean): string {
    return warningText(warning, whole ? this.#plan.cells.length : 0);
  }
}

/** The same sentence of the same stage in several plans is one; its cells, and all of them, are added up. */
export function joinWarnings(
  plans: readonly Plan[],
  warnings: readonly (readonly NodeWarning[])[],
): { warning: ResultWarning; of: number }[] {
  const joined = new Map<string, { warning: ResultWarning; of: number }>();
  plans.forEach((plan, i) => {
    for (const warning of groupWarnings(plan, warnings[i] ?? [])) {
      const key = `${warning.stage}\n${warning.message}`;
      const { warning: known, of } = joined.get(key) ?? { warning: { ...warning, cells: 0 }, of: 0 };
      const cells = known.cells + warning.cells;
      joined.set(key, { warning: { ...warning, cells }, of: of + plan.cells.length });
    }
  });
  return [...joined.values()];
}
