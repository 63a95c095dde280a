// What a stage's `type`, `map`, `rank` and `match_rank` mean for a model.
import type { CheckpointFacts } from '../../contract/facts.ts';
import { type MlpSizes, mlpWidth } from '../../model/architecture/model-config.ts';
import { isProjection, type MatrixRole } from '../../model/architecture/roles.ts';
import type { MatrixSizes } from '../../model/architecture/tensors.ts';
import { matchedRank } from '../../model/methods/registry.ts';
import { type ReplacementMap, replacementMap } from '../../model/sharing/sharing.ts';
import { parseMap } from '../../model/sharing/sharing-parse.ts';
import { UserError } from '../../util/errors.ts';
import { type Rank, rankAt } from './rank.ts';

/** What a model's facts say of its layers. */
export interface ModelSizes extends MlpSizes {
  readonly layers: number;
}

/** The sizes that a model's facts state; undefined while they are not known. */
export function sizesOf(model: CheckpointFacts | undefined): ModelSizes | undefined {
  const { layers, hidden_size, intermediate_size, intermediate_sizes } = model ?? {};
  if (layers === undefined || hidden_size === undefined || intermediate_size === undefined) return undefined;
  return { layers, hidden_size, intermediate_size, ...(intermediate_sizes && { intermediate_sizes }) };
}

/** The sizes of matrices of these `roles`; undefined while they are not known. */
export function matrixSizesOf(
  model: CheckpointFacts | undefined,
  roles: readonly MatrixRole[],
): MatrixSizes | undefined {
  const sizes = sizesOf(model);
  const { heads, kv_heads, head_dim } = model ?? {};
  if (sizes === undefined) return undefined;
  if (roles.every(isProjection)) return { ...sizes, head_dim: 0, num_attention_heads: 0, num_key_value_heads: 0 };
  if (heads === undefined || kv_heads === undefined || head_dim === undefined) return undefined;
  return { ...sizes, head_dim, num_attention_heads: heads, num_key_value_heads: kv_heads };
}

/** Those of {@link sizesOf} where a stage cannot split into units without them. Throws UserError for a model that does not state them. */
export function knownSizes(model: CheckpointFacts | undefined): ModelSizes {
  const sizes = sizesOf(model);
  if (sizes !== undefined) return sizes;
  throw new UserError(
    "input 'model': expected the facts 'layers', 'hidden_size' and 'intermediate_size' of the stage that made it, got none",
  );
}

/** The number of layers, as {@link knownSizes} has it. */
export function layersOf(model: CheckpointFacts | undefined): number {
  const layers = model?.layers;
  if (layers !== undefined) return layers;
  throw new UserError("input 'model': expected the fact 'layers' of the stage that made it, got none");
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
  { candidate, rank: given, match_rank }: { candidate: string; rank: Rank; match_rank: boolean },
  sizes: MlpSizes,
  reference: number,
): number {
  const rank = rankAt(given, sizes.hidden_size);
  return match_rank ? matchedRank(candidate, rank, sizes.hidden_size, mlpWidth(sizes, reference)) : rank;
}

/** A rank for a model, whose width is asked for where the rank follows it. Throws UserError for a model that does not state it then. */
export function rankIn(rank: Rank, model: CheckpointFacts | undefined): number {
  return typeof rank === 'number' ? rank : rankAt(rank, knownSizes(model).hidden_size);
}
