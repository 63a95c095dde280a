// Two layers side by side as one step, for every engine and every architecture ("Leveraging the true depth of LLMs", arXiv 2502.02790).
//
// N rows, D hidden, F MLP width. A_j and F_j are attention and MLP of layer j, n_j and n'_j the norms in front of them.
import { type ModelConfig, mlpWidth } from '../architecture/model-config.ts';
import type { Operators } from '../operators/operators.ts';
import type { ParallelVariant } from '../sharing/parallel-layers.ts';
import {
  attentionBranch,
  type BlockParts,
  blockParts,
  type LayerWeights,
  mlpBranch,
  normedForMlp,
  type PassOperators,
} from './block.ts';

/** A layer (from 1) and what it multiplies with. */
export interface PlacedWeights<V> {
  readonly layer: number;
  readonly weights: LayerWeights<V>;
}

/**
 * The pair `layers` of a model of `config`: h [N, D] -> [N, D]. A branch that is skipped contributes nothing.
 * paper: u = h + sum A_j(n_j h), u + sum F_j(n'_j u). released: the same u; of both MLPs the first half of the channels sees the first layer's n' u, the
 * second half the second layer's, as its two devices have them. par: h + sum (a_j + F_j(n'_j (h + a_j))), a_j = A_j(n_j h).
 */
export function layerPair<V>(
  ops: PassOperators<V>,
  config: ModelConfig,
  variant: ParallelVariant,
  layers: readonly PlacedWeights<V>[],
  h: V,
): V {
  const pair = layers.map(({ layer, weights }) => blockParts(ops, config, layer, weights));
  const attended = pair.map((parts) => (parts.weights.hasAttention ? [attentionBranch(parts, h)] : []));
  if (variant === 'par') {
    const mlps = pair.map((parts, j) => mlpOf(parts, sum(ops, h, attended[j] as V[])));
    return sum(ops, h, [...attended, ...mlps].flat());
  }
  const u = sum(ops, h, attended.flat());
  const mlps = variant === 'paper' ? pair.map((parts) => mlpOf(parts, u)) : splitMlps(pair, u);
  return sum(ops, u, mlps.flat());
}

/** The branch of the layer's MLP, or none. */
function mlpOf<V>(parts: BlockParts<V>, x: V): V[] {
  const { ops, weights } = parts;
  return weights.hasMlp ? [mlpBranch(ops, weights, normedForMlp(parts, x))] : [];
}

/** Both MLPs on u as two devices compute them, each with half of the channels of both and with the norm of one layer. */
function splitMlps<V>(pair: readonly BlockParts<V>[], u: V): V[][] {
  const seen = pair.map((parts) => normedForMlp(parts, u)) as [V, V];
  return pair.map(({ ops, config, layer, weights: { hasMlp, linear } }) => {
    if (!hasMlp) return [];
    const [first, second] = seen.map((x) => ops.swiglu(linear('gate', x), linear('up', x))) as [V, V];
    return [linear('down', ops.spliced(first, second, Math.floor(mlpWidth(config, layer) / 2)))];
  });
}

function sum<V>(ops: Operators<V>, h: V, branches: readonly V[]): V {
  return branches.reduce((all, branch) => ops.add(all, branch), h);
}
