// The layers after which a model may stop. Light: planning reads this.
import { UserError } from '../../util/errors.ts';
import type { ParallelLayers } from '../sharing/parallel-layers.ts';
import { stepOf } from '../sharing/parallel-layers.ts';
import { listedLayers } from '../sharing/sharing-parse.ts';

/** The layers (from 1) of a text such as '4,6,8-10', ascending; a UserError that begins with `source` for any other text. */
export function parseExits(text: string, source: string): number[] {
  const exits = listedLayers(text, source);
  if (exits[0] !== undefined && exits[0] >= 1) return exits;
  throw new UserError(`${source}: layers count from 1, got '${text}'`);
}

/**
 * Throws a UserError unless a model of `depth` layers can stop after each of `exits`: the last layer is no exit, since every model ends
 * there, nor is the first layer of a pair that runs side by side.
 */
export function checkExits(
  exits: readonly number[],
  depth: number,
  source: string,
  parallel?: ParallelLayers | undefined,
): void {
  const beyond = exits.find((layer) => layer >= depth);
  if (beyond !== undefined) {
    throw new UserError(
      `${source}: expected layers from 1 to ${depth - 1} in a model of ${depth} layers, which ends after the last anyway, got ${beyond}`,
    );
  }
  const inside = exits.find((layer) => stepOf(layer, parallel).at(-1) !== layer);
  if (inside === undefined) return;
  throw new UserError(
    `${source}: layers ${inside} and ${inside + 1} run side by side as one step, expected an exit after ${inside + 1}, got ${inside}`,
  );
}
