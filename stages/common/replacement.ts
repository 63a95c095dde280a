// What a stage's `type`, `map`, `rank` and `match_rank` mean for a model.

import { type MlpSizes, mlpWidth } from '../../model/architecture/model-config.ts';
import { matchedRank } from '../../model/methods/registry.ts';
import { type ReplacementMap, replacementMap } from '../../model/sharing/sharing.ts';
import { parseMap } from '../../model/sharing/sharing-parse.ts';

/** What a model's facts say of its layers. */
export interface ModelSizes extends MlpSizes {
  readonly layers: number;
}

/** The explicit map where there is one, else the replacement type, for a model of `layers` layers. */
export function replacementOf(
  { type, map, anywhere }: { type: string; map?: string; anywhere?: boolean },
  layers: number,
): ReplacementMap {
  return map === undefined ? replacementMap(type, layers) : parseMap(map, layers, anywhere);
}

/** The rank of a replacement by layer `reference`: as given, or the one that matches g0's parameters at that rank. */
export function rankOf(
  { candidate, rank, match_rank }: { candidate: string; rank: number; match_rank: boolean },
  sizes: MlpSizes,
  reference: number,
): number {
  return match_rank ? matchedRank(candidate, rank, sizes.hidden_size, mlpWidth(sizes, reference)) : rank;
}
