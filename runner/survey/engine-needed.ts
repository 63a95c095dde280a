// Whether a plan needs the engine that computes.
import type { Numerics } from '../../contract/stage.ts';
import { demandedUnits, type NodeState } from './graph.ts';

/** What the numeric stages run on of which something is left to run; undefined where none is. A unit that waits for others counts as left. */
export function engineNeeded(nodes: readonly NodeState[]): Numerics | undefined {
  const numeric = nodes.filter(({ definition }) => definition.numeric);
  return numeric.find((state) => demandedUnits(state)?.every(({ status }) => status === 'hit') !== true)?.node.numerics;
}
