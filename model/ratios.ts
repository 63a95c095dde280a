// How much a sharing keeps (methods A.4, paper section 3.1 and equation 1).
import { candidateNamed } from './candidates.ts';
import type { LlamaConfig } from './config.ts';
import { projections } from './names.ts';
import { type ReplacementMap, targetCount } from './sharing.ts';

/** Stored ratio tau: stored MLPs / layers. */
export function storedRatio(map: ReplacementMap, layers: number): number {
  return (layers - targetCount(map)) / layers;
}

/** Compression ratio s: MLP parameters kept, recovery parameters counted, / original. Rank 0 has none, so s = tau. */
export function compressionRatio(
  map: ReplacementMap,
  config: Pick<LlamaConfig, 'num_hidden_layers' | 'hidden_size' | 'intermediate_size'>,
  recovery: { readonly candidate: string; readonly rank: number },
): number {
  const { num_hidden_layers: layers, hidden_size: d, intermediate_size: f } = config;
  const perMatrix = recovery.rank === 0 ? 0 : candidateNamed(recovery.candidate).parameterCount(d, f, recovery.rank);
  const added = (projections.length * perMatrix) / (3 * d * f);
  return storedRatio(map, layers) + (targetCount(map) / layers) * added;
}
