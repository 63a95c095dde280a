// Which cached units an audit makes again: a sample that a seed decides, of those that can be.
import type { Store } from '../../store/store.ts';
import { createRandom } from '../../util/random.ts';
import { demandedUnits, type NodeInput, type UnitState, unitsRead } from '../survey/graph.ts';
import type { Survey } from '../survey/survey.ts';

/** The units of a plan by what an audit can do with them. */
export interface Candidates {
  /** Each key once. */
  units: readonly UnitState[];
  /** Units that are a measure of time, which is never the same twice. */
  timings: number;
  /** Units whose inputs are not in the store any more. */
  unread: number;
}

/** All units that have a record, can be made again from what is there, and are no timings. The store is only read. */
export async function candidatesOf(survey: Survey, store: Store): Promise<Candidates> {
  const units = new Map<string, UnitState>();
  const seen = new Set<string>();
  let [timings, unread] = [0, 0];
  for (const unit of survey.nodes.flatMap((state) => demandedUnits(state) ?? [])) {
    if (unit.status !== 'hit' || unit.key === undefined || seen.has(unit.key)) continue;
    seen.add(unit.key);
    if (unit.owner.definition.timing) timings++;
    else if (await isReadable(unit, store)) units.set(unit.key, unit);
    else unread++;
  }
  return { units: [...units.values()], timings, unread };
}

async function isReadable(unit: UnitState, store: Store): Promise<boolean> {
  for (const input of unit.owner.inputs) {
    for (const ref of refsOf(unit, input)) if ((await store.check(ref, 'glance')) !== undefined) return false;
  }
  return true;
}

function refsOf(unit: UnitState, input: NodeInput) {
  if (unit.preimage?.inputs[input.name] === null) return []; // an input that is left empty
  return (unitsRead(unit, input) ?? []).flatMap((each) => each.record?.outputs[input.output] ?? []);
}

/** `count` of the units, or that share of them and at least one; the same for the same seed and the same keys. */
export function sampleOf<T extends { key: string | undefined }>(
  units: readonly T[],
  size: { count: number } | { share: number },
  seed: number,
): T[] {
  const random = createRandom('audit', seed);
  const left = [...units].sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1));
  const wanted = 'count' in size ? size.count : Math.max(1, Math.round(size.share * left.length));
  const chosen: T[] = [];
  while (chosen.length < wanted && left.length > 0) chosen.push(...left.splice(random.below(left.length), 1));
  return chosen;
}
