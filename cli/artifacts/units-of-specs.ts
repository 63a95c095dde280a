// The units of specs that a store has, for commands that carry them elsewhere.
import { inspectSurvey } from '../../runner/survey/inspect.ts';
import type { StoreRecord } from '../../store/record.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../common/context.ts';
import type { PlanFlags } from '../common/flags.ts';
import { planOf } from '../common/plan-request.ts';

/** The records that `store` has, each once, how many units the specs have by what is known of them, and their experiments, each once. */
export async function unitsOf(
  specs: readonly string[],
  flags: PlanFlags,
  store: Store,
  context: Context,
): Promise<{ records: readonly StoreRecord[]; units: number; experiments: readonly string[] }> {
  const registry = await context.registry();
  const records = new Map<string, StoreRecord>();
  const units = new Set<string>();
  const experiments = new Set<string>();
  for (const spec of specs) {
    const plan = await planOf(spec, flags, registry);
    experiments.add(plan.experiment);
    const { items } = (await inspectSurvey(plan, registry, store, 'waits')).inspection;
    for (const { record, key, node, unit } of items) {
      units.add(key ?? `${spec} ${node.id} ${unit}`); // several cells may need the same one
      if (record !== null) records.set(record.key, record);
    }
  }
  return { records: [...records.values()], units: units.size, experiments: [...experiments] };
}
