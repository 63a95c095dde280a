// The ways in which a unit ends, as outcomes.
import type { Store } from '../../store/store.ts';
import type { UnitState } from '../survey/graph.ts';
import { failureOf, type Trouble } from './failure.ts';
import type { Artifact, FailedUnit, UnitOutcome, UnitSuccess } from './outcome.ts';

/** The outcome of a unit that has its record. */
export function successOf(unit: UnitState, status: UnitSuccess['status'], store: Store): UnitSuccess {
  const record = unit.record;
  if (record === undefined) throw new Error(`unit '${unit.unit.name}' of '${unit.owner.node.id}' has no record`);
  const outputs: Record<string, Artifact> = {};
  for (const [name, { digest, size }] of Object.entries(record.outputs)) {
    outputs[name] = { digest, size, open: () => store.open({ digest, size }) };
  }
  const { key, facts, about, preimage } = record;
  const { duration_ms, peak_rss_bytes, work, warnings = [], versions = {}, machine = {} } = about;
  const took = { duration_ms, peak_rss_bytes, work, observed: { versions, machine } };
  return { status, unit: unit.unit.name, key, outputs, facts, ...took, warnings, preimage };
}

/** The outcome of a unit that the user's stop ended or kept from starting. */
export function cancelledOf({ unit, key }: UnitState): UnitOutcome {
  return { status: 'cancelled', unit: unit.name, key: key ?? null };
}

/** The outcome of a unit that waits for the node `by`, in vain. */
export function blockedOf({ unit, key }: UnitState, by: string): UnitOutcome {
  return { status: 'blocked', unit: unit.name, key: key ?? null, by };
}

/** The outcomes of units that one trouble ended; they share the failure. */
export function failedOf(units: readonly UnitState[], trouble: Trouble, log?: string): FailedUnit[] {
  const failure = failureOf(units, trouble, log);
  return units.map(({ unit, key }) => ({ status: 'failed', unit: unit.name, key: key ?? null, failure }));
}
