// What an attempt is expected to take, as its stage says it: by parameters, facts and sizes, without weights or data.
import type { Cost, CostInput, CostQuery, StageDefinition } from '../../contract/stage.ts';
import type { RecordedWork } from '../../store/record.ts';
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

/** A cost that says what is read. */
export interface FullCost extends Cost {
  read_bytes: number;
}

/** What the stage answers; undefined where it cannot say. */
export function fullCost(definition: StageDefinition, query: CostQuery): FullCost | undefined {
  const cost = definition.cost?.(query);
  if (cost === undefined) return undefined;
  const all = Object.values(query.inputs).reduce((total, input) => total + (input?.size_bytes ?? 0), 0);
  return { ...cost, read_bytes: cost.read_bytes ?? all };
}

/** What an attempt on `units` computes and moves, by what is known when it begins, for the records of what it makes; undefined where its stage cannot say. */
export function workOf(units: readonly UnitState[]): RecordedWork | undefined {
  const query = costQuery(units, recordedSize);
  const cost = query && fullCost((units[0] as UnitState).owner.definition, query);
  if (cost === undefined) return undefined;
  const work = { flops: cost.flops, moved_bytes: cost.read_bytes + cost.written_bytes };
  return Number.isFinite(work.flops + work.moved_bytes) ? work : undefined;
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
