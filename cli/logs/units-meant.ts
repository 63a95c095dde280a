// Whose logs are meant: units of a spec as it is now, or of a run as it was.
import { inspect } from '../../runner/survey/inspect.ts';
import { findRuns } from '../../store/runs/run-labels.ts';
import type { Context } from '../common/context.ts';
import type { PlanFlags } from '../common/flags.ts';
import { openToLook } from '../common/remote.ts';
import { nodesMeant } from '../common/why-subject.ts';
import { resultsName } from '../runs/run-files.ts';
import type { RunPlaces } from '../runs/run-places.ts';
import { isRunReference, wantedPlan } from '../runs/run-reference.ts';
import { type UnitOfRun, unitsOfRun } from '../runs/units-of-run.ts';

export interface UnitsMeant {
  experiment: string;
  nodes: ReadonlySet<string>;
  /** What to say first, in sentences. */
  remarks: readonly string[];
  /** They are looked up when they are asked for. */
  units(): Promise<readonly UnitOfRun[]>;
}

/** The units that `SPEC` or `NAME@RUN`, a stage or a cell, and with a stage a cell, mean. Throws UserError. */
export async function unitsMeant(
  [text, subject, cell]: readonly [string, string, string?],
  flags: PlanFlags,
  places: RunPlaces,
  context: Context,
): Promise<UnitsMeant> {
  const kept = isRunReference(text) ? await unitsKept(text, places) : undefined;
  if (kept !== undefined) {
    const { plan, units, remark } = kept;
    const nodes = new Set(nodesMeant(plan, subject, cell));
    const remarks = remark === undefined ? [] : [remark];
    return {
      experiment: plan.experiment,
      nodes,
      remarks,
      units: async () => units.filter((unit) => nodes.has(unit.node)),
    };
  }
  const { plan, changed } = await wantedPlan(text, flags, await context.registry());
  const nodes = new Set(nodesMeant(plan, subject, cell));
  const units = async () => {
    const store = await openToLook(flags.store, flags, context);
    try {
      const { items } = await inspect(plan, await context.registry(), store);
      return items.flatMap(({ node: { id, stage, cell: own }, unit, key }) =>
        key === null || !nodes.has(id) ? [] : [{ node: id, stage, cell: own, unit, key }],
      );
    } finally {
      store.close();
    }
  };
  return { experiment: plan.experiment, nodes, remarks: changed === undefined ? [] : [changed], units };
}

/** Undefined where a run does not tell: its spec has to. */
async function unitsKept(text: string, places: RunPlaces) {
  const [experiment = '', wanted = ''] = text.split('@', 2);
  if (wanted === resultsName) return undefined;
  const { store, remark } = await places.of(experiment, wanted);
  const run = findRuns(store, experiment, wanted).at(-1);
  const found = run === undefined ? undefined : unitsOfRun(store, experiment, run);
  return found && { ...found, remark };
}
