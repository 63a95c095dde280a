// One attempt: takes the leases of its units, runs those that are its own, gives the leases back.
import type { Lease } from '../store/store.ts';
import { type AttemptContext, AttemptRun, fail } from './attempt-run.ts';
import { troubleFrom } from './failure.ts';
import type { UnitState } from './graph.ts';
import { successOf } from './unit-outcome.ts';

/**
 * Runs `units` (of one node, keys known) in one job. Units that another runner holds are returned, undecided; all
 * others are settled. `held` are leases that the caller has already.
 */
export async function tryUnits(
  units: readonly UnitState[],
  held: ReadonlyMap<UnitState, Lease>,
  context: AttemptContext,
): Promise<UnitState[]> {
  const leases = new Map(held);
  const decided = new Set<UnitState>();
  const settle: AttemptContext['settle'] = (unit, outcome) => {
    decided.add(unit);
    context.settle(unit, outcome);
  };
  const watched = { ...context, settle };
  let elsewhere: UnitState[] = [];
  try {
    elsewhere = await takeLeases(units, leases, watched);
    const mine = units.filter((unit) => leases.has(unit));
    if (mine.length > 0) await new AttemptRun(mine, leases, watched).run();
  } catch (error) {
    const trouble = troubleFrom(error);
    const open = units.filter((unit) => !decided.has(unit) && !elsewhere.includes(unit));
    if (open.length > 0) fail(open, trouble, watched);
  } finally {
    for (const lease of leases.values()) lease.release();
  }
  return elsewhere;
}

/** Units whose lease somebody else has. A lease is of no use any more where the result is there by now. */
async function takeLeases(
  units: readonly UnitState[],
  leases: Map<UnitState, Lease>,
  context: AttemptContext,
): Promise<UnitState[]> {
  const elsewhere: UnitState[] = [];
  for (const unit of units) {
    const lease = leases.get(unit) ?? (await context.store.lease(unit.key as string));
    if (lease === undefined) {
      elsewhere.push(unit);
      continue;
    }
    leases.set(unit, lease);
    const record = unit.owner.node.force ? undefined : await context.survey.find(unit);
    if (record === undefined) continue;
    unit.record = record;
    context.settle(unit, successOf(unit, 'reused', context.store));
    lease.release();
    leases.delete(unit);
  }
  return elsewhere;
}
