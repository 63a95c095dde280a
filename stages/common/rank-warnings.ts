// What is to be said of a rank, by arithmetic on the sizes of a model: parameters that save nothing.

import type { Facts, JsonObject } from '../../contract/stage.ts';
import { mlpWidth } from '../../model/architecture/model-config.ts';
import { matrixParameters } from '../../model/methods/registry.ts';
import { pairs } from '../../model/sharing/sharing.ts';
import { UserError } from '../../util/errors.ts';
import { type ModelSizes, rankOf, replacementOf } from './replacement.ts';

/** A recovery that takes this share of what sharing saves is hardly worth its training. */
const hardlyLess = 0.9;

interface Sharing {
  type: string;
  map?: string;
  anywhere?: boolean;
  candidate: string;
  rank: number;
  match_rank: boolean;
}

/** Warnings on the recovery parameters of a map for a model whose facts are known; none for maps that are refused. */
export function recoveryWarnings(params: JsonObject, model: Facts | undefined): string[] {
  const sizes = sizesOf(model);
  const sharing = params as unknown as Sharing;
  if (sizes === undefined || sharing.rank === 0) return [];
  const shared = sharedPairs(sharing, sizes);
  const ranks = shared.map(({ reference }) => rankOf(sharing, sizes, reference));
  const wide = rankWarning(
    shared.map(({ reference }, i) => ({ rank: ranks[i] as number, layer: reference })),
    sizes,
  );
  if (wide.length > 0) return wide;
  const matrix = (layer: number) => sizes.hidden_size * mlpWidth(sizes, layer);
  const saved = shared.reduce((sum, { target }) => sum + 3 * matrix(target), 0);
  const kept = shared.reduce((sum, { reference }, i) => {
    return (
      sum + 3 * matrixParameters(sharing.candidate, sizes.hidden_size, mlpWidth(sizes, reference), ranks[i] as number)
    );
  }, 0);
  if (saved === 0 || kept < hardlyLess * saved) return [];
  const whole = Array.from({ length: sizes.layers }, (_, i) => 3 * matrix(i + 1)).reduce((a, b) => a + b, 0);
  const ratio = (whole - saved + kept) / whole;
  const what = kept < saved ? 'hardly less than' : kept === saved ? 'as much as' : 'more than';
  return [
    `recovery parameters of rank ${Math.max(...ranks)} at a width of ${sizes.hidden_size} store ${what} sharing saves: s is ${ratio.toFixed(2)}`,
  ];
}

/** A warning where A B of some rank can be any matrix; each rank with the layer whose matrices it belongs to. */
export function rankWarning(ranks: readonly { rank: number; layer: number }[], sizes: ModelSizes): string[] {
  const above = ranks.filter(({ rank, layer }) => rank > Math.min(sizes.hidden_size, mlpWidth(sizes, layer)));
  if (above.length === 0) return [];
  const [{ rank, layer }] = above.toSorted((a, b) => b.rank - a.rank) as [{ rank: number; layer: number }];
  const width = Math.min(sizes.hidden_size, mlpWidth(sizes, layer));
  return [
    `rank ${rank} is above the width ${width} of the model's matrices: A B can be any matrix there, and has more parameters than one`,
  ];
}

/** The sizes that a model's facts state; undefined while they are not known. */
export function sizesOf(model: Facts | undefined): ModelSizes | undefined {
  const { layers, hidden_size, intermediate_size } = model ?? {};
  const known = [layers, hidden_size, intermediate_size].every((size) => typeof size === 'number');
  return known ? (model as unknown as ModelSizes) : undefined;
}

/** A map that the model does not have is refused elsewhere. */
function sharedPairs(sharing: Sharing, { layers }: ModelSizes): { reference: number; target: number }[] {
  try {
    return pairs(replacementOf(sharing, layers));
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
