// One attempt: takes the leases of its units, runs those that are its own, gives the leases back.
import { sameOutputs } from '../../store/record.ts';
import type { Lease } from '../../store/store.ts';
import type { Room } from '../executor/executor.ts';
import type { UnitState } from '../survey/graph.ts';
import { type AttemptContext, AttemptRun, fail, type Undecided } from './attempt-run.ts';
import { troubleFrom } from './failure.ts';
import { successOf } from './unit-outcome.ts';

/**
 * Runs `units` (of one node, keys known) in one attempt. Units of which another runner has the say are returned, all others are settled.
 * `given` are leases that the caller has already, `room` is that of the executor.
 */
export async function tryUnits(
  units: readonly UnitState[],
  given: ReadonlyMap<UnitState, Lease>,
  room: Room,
  context: AttemptContext,
): Promise<Undecided> {
  const leases = new Map(given);
  const open = new Set(units);
  const settle: AttemptContext['settle'] = (unit, outcome) => {
    open.delete(unit);
    context.settle(unit, outcome);
  };
  const watched = { ...context, settle };
  const held: UnitState[] = [];
  let left: Pick<Undecided, 'taken' | 'again'> = { taken: [], again: [] };
  try {
    held.push(...(await takeLeases(units, leases, watched)));
    const mine = units.filter((unit) => leases.has(unit));
    if (mine.length > 0) {
      const undecided = await new AttemptRun(mine, leases, watched).run(room);
      held.push(...undecided.held);
      left = undecided;
    }
  } catch (error) {
    const trouble = troubleFrom(error);
    const failed = [...open].filter((unit) => !held.includes(unit));
    if (failed.length > 0) fail(failed, trouble, watched);
  } finally {
    for (const lease of leases.values()) lease.release();
  }
  return { ...left, held };
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
    const record = unit.owner.node.force ? undefined : await context.survey.findWhole(unit);
    if (record === undefined) continue;
    if (unit.record !== undefined && !sameOutputs(unit.record, record)) context.goAgain();
    unit.record = record;
    context.settle(unit, successOf(unit, 'reused', context.store));
    lease.release();
    leases.delete(unit);
  }
  return elsewhere;
}
