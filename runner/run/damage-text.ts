// What is said when the store gives other bytes than it was given, and when a stage does.
import { recordOf, sameOutputs } from '../../store/record.ts';
import type { Draft } from '../../store/store.ts';
import { describeUnit, type RunEvent } from '../survey/events.ts';
import { nameOf, type UnitState } from '../survey/graph.ts';
import type { ReadArtifact } from './artifacts-read.ts';
import type { Trouble } from './failure.ts';

/** The end of a unit whose input was made again and again; `what` was found of it last, if anything was. */
export function hopeless({ from, output }: ReadArtifact, what: string | undefined): Trouble {
  const found = what ?? `artifact '${output}' was read with other bytes than it has`;
  const again = 'it was made again, and damaged again; check the disk and the memory of this machine';
  return { reason: 'store-error', message: `${found}, of ${describeUnit(nameOf(from))}: ${again}` };
}

/** Tells which of two results is used: `unit` has it, `draft` is the new one. */
export function nondeterminism(unit: UnitState, draft: Draft): RunEvent {
  const name = nameOf(unit);
  const isNew = unit.record !== undefined && sameOutputs(unit.record, recordOf(draft));
  const why = unit.owner.node.force ? '(--force)' : 'since the first is not whole any more';
  const kept = isNew ? `the new result is used ${why}` : 'the first one is used';
  const message = `${describeUnit(name)}: the same key gave different bytes than before; ${kept}, both are kept`;
  return { type: 'warning', reason: 'nondeterminism', message, ...name };
}
