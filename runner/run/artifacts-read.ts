// Which artifacts an attempt reads, and whose they are.
import type { OutputRef } from '../../store/record.ts';
import { type NodeInput, type UnitState, unitsRead } from '../survey/graph.ts';

/** An artifact that a unit reads, and whose it is. */
export interface ReadArtifact {
  ref: OutputRef;
  from: UnitState;
  output: string;
}

/** What any of the units reads of these inputs, as far as there are records of it. */
export function artifactsRead(units: readonly UnitState[], inputs: readonly NodeInput[]): ReadArtifact[] {
  const pairs = inputs.flatMap((input) => {
    const read = new Set(units.flatMap((unit) => unitsRead(unit, input) ?? []));
    return [...read].map((from) => ({ from, output: input.output }));
  });
  return pairs.flatMap(({ from, output }) => {
    const ref = from.record?.outputs[output];
    return ref === undefined ? [] : [{ ref, from, output }];
  });
}
