// What is said of an artifact that somebody asks for by name and that is not whole.
import type { PlanNode } from '../../contract/plan.ts';
import type { Damage } from '../../store/store.ts';

/** `artifact 'model' of 'base' is gone from the store: make it again`; the command to do so follows. */
export function damagedText({ id }: PlanNode, output: string, { detail }: Damage): string {
  return `artifact '${output}' of '${id}' ${detail} in the store: make it again`;
}
