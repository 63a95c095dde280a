// Which layers' MLPs are pruned and which sublayers are skipped, by the scores of layer-similarity or by depth (methods B.1 and B.4).
import type { SkippedPart } from '../sharing/replacement.ts';
import { consecutive } from '../sharing/sharing.ts';
import type { LayerSimilarity } from './layer-similarity.ts';

/** What prunes by scores; `angular` takes consecutive layers, the others any. */
export type Scorer = 'angular' | 'block_influence' | 'mlp_similarity';

/** The scores that a choice needs. */
export type LayerScores = Pick<LayerSimilarity, 'angular' | 'block_influence' | 'mlp_similarity'>;

/** T_ori, "LayerPruning" as the paper's appendix C.4 gives it, for the depth that it is printed for. */
export const printedLayers = { depth: 32, first: 17, last: 30 } as const;

/** The deepest `count` layers but the last one, which the simple form of Gromov et al. keeps. */
export function deepestLayers(layers: number, count: number): number[] {
  return consecutive(layers - count, layers - 1);
}

/**
 * The `count` layers that do least by `scores`, ascending. angular: the consecutive ones with the least distance between
 * what enters the first and what leaves the last; block_influence: those of least influence; mlp_similarity: those whose
 * MLPs change least. Of equal ones the first.
 */
export function chosenLayers(scores: LayerScores, scorer: Scorer, count: number): number[] {
  if (scorer === 'angular') {
    const [first] = ranked(scores.angular[count] ?? {}, 1);
    return first === undefined ? [] : consecutive(first, first + count - 1);
  }
  const sign = scorer === 'mlp_similarity' ? -1 : 1;
  return ranked(scores[scorer], sign)
    .slice(0, count)
    .sort((a, b) => a - b);
}

/** By how little sublayers change the stream. */
export type SublayerScores = Pick<LayerSimilarity, 'block_influence' | 'attention_similarity' | 'mlp_similarity'>;

/** Of each of `layers` the mean cosine between the stream before and after its `part`, the most similar first; of equal ones the first. */
export function bySimilarity(
  scores: SublayerScores,
  part: SkippedPart,
  layers: readonly number[],
): { layer: number; similarity: number }[] {
  const similarityOf = (layer: number): number => {
    if (part === 'block') return 1 - (scores.block_influence[layer] as number);
    return (part === 'mlp' ? scores.mlp_similarity : scores.attention_similarity)[layer] as number;
  };
  return layers
    .map((layer) => ({ layer, similarity: similarityOf(layer) }))
    .sort((a, b) => b.similarity - a.similarity || a.layer - b.layer);
}

/** Layers by ascending `sign` times score. */
function ranked(scores: Readonly<Record<string, number>>, sign: 1 | -1): number[] {
  return Object.entries(scores)
    .map(([layer, score]) => ({ layer: Number(layer), score: sign * score }))
    .sort((a, b) => a.score - b.score || a.layer - b.layer)
    .map(({ layer }) => layer);
}
