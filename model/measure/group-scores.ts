// One score for each channel of an MLP, and how far a layer's importance varies from text to text.
import type { Model } from '../forward/model.ts';
import { channelScores, type MatrixScores, reduceGroup } from './channel-importance.ts';
import { type FluctuationChoice, type GroupReduction, type Importance, matrixScoresOf } from './importances.ts';

/** A score of 0 has no logarithm: the least normal number, since engines may flush what is below to 0. */
const leastScore = 2 ** -1022;

/** How channels are scored. */
export interface GroupScoring {
  readonly importance: Importance;
  readonly group_reduction: GroupReduction;
  /** Also how the importance of layers varies over the windows. */
  readonly varies?: boolean;
}

/** The channels of one layer. */
export interface GroupScores {
  /** [F]. */
  readonly scores: Float64Array;
  /** Standard deviation over mean, over the windows, of the layer's importance; where it was asked for. */
  readonly variation?: number;
}

/** The scores of the channels of `layers`, by layer; `windows` as for `channelScores`. */
export async function groupScores(
  model: Model,
  windows: readonly Int32Array[],
  layers: readonly number[],
  { importance, group_reduction, varies = false }: GroupScoring,
  onProgress?: (done: number, total: number) => void,
): Promise<Map<number, GroupScores>> {
  const request = { forms: matrixScoresOf(importance), apart: varies };
  const found = await channelScores(model, windows, layers, request, onProgress);
  const reduced = (forms: readonly MatrixScores[]) => forms.map((form) => reduceGroup(form, group_reduction));
  const scoresOf = (forms: readonly MatrixScores[]) => {
    const [only, ...more] = reduced(forms) as [Float64Array, ...Float64Array[]];
    return more.length === 0 ? only : fusedScores([only, ...more]);
  };
  return new Map(
    [...found].map(([layer, { forms, windows }]) => {
      const variation = varies && { variation: variationOf(windows.map((one) => layerImportance(reduced(one)))) };
      return [layer, { scores: scoresOf(forms), ...variation }] as const;
    }),
  );
}

/**
 * Several scores [F] of each channel as one, weighed by their homoscedastic uncertainty (arXiv 1705.07115), as SAAP (arXiv 2412.15127) has it: sum over m
 * of I_m / (2 sigma_m^2) + log sigma_m, at the sigma_m that makes it least. That is sigma_m^2 = I_m, so sum of (1 + log I_m) / 2: channels are
 * in the order of the product of their scores.
 */
export function fusedScores(parts: readonly Float64Array[]): Float64Array {
  const [first, ...more] = parts as [Float64Array, ...Float64Array[]];
  const term = (score: number) => (1 + Math.log(Math.max(score, leastScore))) / 2;
  return first.map((score, c) => more.reduce((sum, part) => sum + term(part[c] as number), term(score)));
}

/** The sum over channels of the geometric mean of their scores, in the unit of the scores. */
function layerImportance(parts: readonly Float64Array[]): number {
  const [first, ...more] = parts as [Float64Array, ...Float64Array[]];
  const product = (c: number) => more.reduce((all, part) => all * (part[c] as number), first[c] as number);
  return first.reduce((sum, _, c) => sum + product(c) ** (1 / parts.length), 0);
}

/** The coefficient of variation: standard deviation / mean; 0 where nothing matters. */
function variationOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return mean === 0 ? 0 : Math.sqrt(variance) / mean;
}

/** The `count` layers that vary least (`steady`) or most, ascending; of equal ones the first. */
export function chosenByVariation(
  found: ReadonlyMap<number, GroupScores>,
  choose: FluctuationChoice,
  count: number,
): number[] {
  const sign = choose === 'steady' ? 1 : -1;
  const ranked = [...found].toSorted(([, a], [, b]) => sign * ((a.variation ?? 0) - (b.variation ?? 0)));
  return ranked
    .slice(0, count)
    .map(([layer]) => layer)
    .sort((a, b) => a - b);
}
