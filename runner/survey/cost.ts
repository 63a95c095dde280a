// What an attempt is expected to take, as its stage says it: by parameters, facts and sizes, without weights or data.
import type { Cost, CostInput, CostQuery } from '../../contract/stage.ts';
import { type NodeInput, type UnitState, unitsRead } from './graph.ts';

/** Tokens of a record where the data's facts do not say. */
export const usualRecordTokens = 300;

/** The bytes of output `output` of a unit; undefined when they are not known. */
export type SizeOf = (unit: UnitState, output: string) => number | undefined;

/** What the stage of `units`, which run in one attempt, is asked; undefined where the units are not known yet. */
export function costQuery(
  units: readonly UnitState[],
  sizeOf: SizeOf,
  record_tokens = usualRecordTokens,
): CostQuery | undefined {
  const { owner } = units[0] as UnitState;
  if (owner.units === undefined) return undefined;
  const inputs: Record<string, CostInput> = {};
  for (const input of owner.inputs) {
    const size_bytes = sizeRead(units, input, sizeOf);
    inputs[input.name] = { facts: input.from.facts ?? {}, output: input.output, size_bytes };
  }
  const facts = owner.facts ?? {};
  return { params: owner.node.params, units: units.map(({ unit }) => unit), inputs, facts, record_tokens };
}

/** The most memory of an attempt on `units`, by what is known now; 0 where its stage cannot say. */
export function memoryOf(units: readonly UnitState[]): number {
  const query = costQuery(units, recordedSize);
  const cost: Cost | undefined = query && (units[0] as UnitState).owner.definition.cost?.(query);
  return cost !== undefined && cost.memory_bytes > 0 ? cost.memory_bytes : 0;
}

/** What the record says. */
export const recordedSize: SizeOf = (unit, output) => unit.record?.outputs[output]?.size;

/** The bytes that `units` read of an input; undefined when one of them is not known. */
function sizeRead(units: readonly UnitState[], input: NodeInput, sizeOf: SizeOf): number | undefined {
  const read = new Set<UnitState>();
  for (const unit of units) for (const each of unitsRead(unit, input) ?? []) read.add(each);
  let total = 0;
  for (const each of read) {
    const size = sizeOf(each, input.output);
    if (size === undefined) return undefined;
    total += size;
  }
  return read.size === 0 ? undefined : total;
}
