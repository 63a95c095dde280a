// Losses at several depths: what the model would say after each exit counts, not its last layer alone. Light: planning reads this.
import type { ParallelLayers } from '../sharing/parallel-layers.ts';
import { checkExits, parseExits } from './exit-layers.ts';

/** How the losses are weighted: all alike (LITE, arXiv 2310.18581), 1, 2, ..., N (CALM, arXiv 2207.07061), or each twice the one before. */
export const exitWeightings = ['uniform', 'linear', 'geometric'] as const;
export type ExitWeighting = (typeof exitWeightings)[number];

/** Where losses are taken (layers from 1, ascending, the model's last one at the end), and the share of each; the shares add up to 1. */
export interface ExitLosses {
  readonly layers: readonly number[];
  readonly shares: readonly number[];
}

/** w_i / sum w_i of the i-th of `count` losses, by their order. */
export function exitShares(count: number, weighting: ExitWeighting): number[] {
  const weightOf = { uniform: () => 1, linear: (i: number) => i + 1, geometric: (i: number) => 2 ** (i + 1 - count) };
  const weights = Array.from({ length: count }, (_, i) => weightOf[weighting](i));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** The losses at the exits of `text` and at the end of a model of `depth` layers. Throws UserError for exits that it cannot have. */
export function exitLosses(
  text: string,
  weighting: ExitWeighting,
  depth: number,
  parallel?: ParallelLayers | undefined,
): ExitLosses {
  const exits = parseExits(text, "'exits'");
  checkExits(exits, depth, "'exits'", parallel);
  const layers = [...exits, depth];
  return { layers, shares: exitShares(layers.length, weighting) };
}
