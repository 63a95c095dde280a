// What is to be said of a rank, by arithmetic on the sizes of a model: parameters that save nothing.
import type { CheckpointFacts } from '../../contract/facts.ts';
import { mlpWidth } from '../../model/architecture/model-config.ts';
import { projections } from '../../model/architecture/roles.ts';
import { countParameters } from '../../model/sharing/recovery-shapes.ts';
import { pairs } from '../../model/sharing/sharing.ts';
import { UserError } from '../../util/errors.ts';
import type { Rank } from './rank.ts';
import { type ModelSizes, matrixSizesOf, rankOf, replacementOf, sizesOf } from './replacement.ts';

/** A recovery that takes this share of what sharing saves is hardly worth its training. */
const hardlyLess = 0.9;

interface Sharing {
  type: string;
  map?: string;
  anywhere?: boolean;
  candidate: string;
  rank: Rank;
  match_rank: boolean;
}

/** Warnings on the recovery parameters of a map for a model whose facts are known; none for maps that are refused. */
export function recoveryWarnings(sharing: Sharing, model: CheckpointFacts | undefined): string[] {
  const sizes = sizesOf(model);
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
  const { candidate } = sharing;
  const replacements = shared.map((pair, i) => ({ ...pair, candidate, rank: ranks[i] as number }));
  const matrices = matrixSizesOf(model, projections);
  const kept = matrices === undefined ? 0 : countParameters(matrices, replacements);
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

/** A map that the model does not have is refused elsewhere. */
function sharedPairs(sharing: Sharing, { layers }: ModelSizes): { reference: number; target: number }[] {
  try {
    return pairs(replacementOf(sharing, layers));
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
