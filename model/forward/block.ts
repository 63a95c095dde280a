// One decoder layer, written once for every engine and every architecture.
//
// B batch, T tokens, N = B*T rows, D hidden, F MLP width, H heads, K key/value heads, hd head size.
// Hidden states are [N, D] throughout: one large matrix product per projection.
import type { ExpertMatrices } from '../../tensor/experts.ts';
import type { Architecture } from '../architecture/architecture.ts';
import { hasRope, type ModelConfig, windowOf } from '../architecture/model-config.ts';
import { architectureOf } from '../architecture/registry.ts';
import type { MatrixRole, VectorRole } from '../architecture/roles.ts';
import type { Operators } from '../operators/operators.ts';

/** An engine in the middle of a pass: it knows how many texts and tokens there are, and what was read before. */
export interface PassOperators<V> extends Operators<V> {
  /** x [N, count*hd] -> [B, T, count, hd]. */
  heads(x: V, count: number): V;
  /** [N, F] of two: the first `half` columns of a, and what comes behind them in b. */
  spliced(a: V, b: V, half: number): V;
  /** Queries [B, T, H, hd] turned to their positions where the layer has RoPE, and keys [B, T, K, hd] likewise. */
  attend(heads: HeadValues<V>, place: AttentionPlace): V;
}

/** Queries [B, T, H, hd], keys and values [B, T, K, hd] of one layer, not yet turned. */
export interface HeadValues<V> {
  readonly q: V;
  readonly k: V;
  readonly v: V;
}

/** What attention has to know of its layer. */
export interface AttentionPlace {
  /** From 1. */
  readonly layer: number;
  readonly rope: boolean;
  /** Tokens that a token sees, itself among them; null: all before it. */
  readonly window: number | null;
}

/** What the layer multiplies with: its own tensors, or what stands in for them. */
export interface LayerWeights<V> {
  /** A norm or a bias that the architecture has. */
  vector(role: VectorRole): V;
  /** x [N, in] through the matrix `role`, without its bias -> [N, out]. */
  linear(role: MatrixRole, x: V): V;
  /** False where attention is skipped: its branch contributes nothing, and the layer has no keys and values. */
  readonly hasAttention: boolean;
  /** False where the MLP is pruned: its branch contributes nothing. */
  readonly hasMlp: boolean;
  /** Where the MLP is cut into experts: which of them a token passes. */
  readonly router?: Router<V> | undefined;
}

/** The router of an MLP that is cut into experts. */
export interface Router<V> {
  readonly active: number;
  /** x [N, D], as the MLP sees it -> [N, E]. */
  scores(x: V): V;
  /** k / active: what the chosen experts make is multiplied with it. */
  scaled(x: V): V;
  /** The matrices of each expert, where those alone may be computed that are chosen. */
  readonly experts?: readonly ExpertMatrices<V>[] | undefined;
}

/** What a layer makes of h: the residual stream after attention, the MLP's input (which SLW learns from), and after the MLP; [N, D] each. */
export interface BlockOutputs<V> {
  readonly attended: V;
  readonly mlpInput: V;
  readonly h: V;
}

/** Layer `layer` (from 1) of a model of `config`: h [N, D] -> [N, D]. */
export function block<V>(
  ops: PassOperators<V>,
  config: ModelConfig,
  layer: number,
  weights: LayerWeights<V>,
  h: V,
): BlockOutputs<V> {
  const parts = blockParts(ops, config, layer, weights);
  const attended = weights.hasAttention ? ops.add(h, attentionBranch(parts, h)) : h;
  const mlpInput = normedForMlp(parts, attended);
  if (!weights.hasMlp) return { attended, mlpInput, h: attended };
  return { attended, mlpInput, h: ops.add(attended, mlpBranch(ops, weights, mlpInput)) };
}

/** What attention adds to the stream h [N, D] of a layer that attends. */
export function attentionBranch<V>(parts: BlockParts<V>, h: V): V {
  return selfAttention(parts, norm(parts, 'attention_norm', h));
}

/** The stream [N, D] as the layer's MLP sees it. */
export function normedForMlp<V>(parts: BlockParts<V>, attended: V): V {
  return norm(parts, parts.architecture.mlp_input, attended);
}

/** What the layer's MLP, or the experts that a token passes, add to the stream: x [N, D] -> [N, D]. */
export function mlpBranch<V>(
  ops: Operators<V>,
  { linear, router }: Pick<LayerWeights<V>, 'linear' | 'router'>,
  x: V,
): V {
  if (router === undefined) return gatedMlp(ops, linear, x);
  const chosen = ops.chosenExperts(router.scores(x), router.active);
  if (router.experts !== undefined) return router.scaled(ops.throughExperts(x, chosen, router.experts));
  const hidden = ops.swiglu(linear('gate', x), linear('up', x));
  return router.scaled(linear('down', ops.spreadFactors(hidden, chosen)));
}

/** down(silu(gate x) * up x): x [N, D] -> [N, D]. */
export function gatedMlp<V>(ops: Operators<V>, linear: LayerWeights<V>['linear'], x: V): V {
  return linear('down', ops.swiglu(linear('gate', x), linear('up', x)));
}

/** A layer with all that its branches are made of. */
export interface BlockParts<V> {
  readonly ops: PassOperators<V>;
  readonly config: ModelConfig;
  readonly layer: number;
  readonly weights: LayerWeights<V>;
  readonly architecture: Architecture;
}

/** The parts of layer `layer` (from 1). */
export function blockParts<V>(
  ops: PassOperators<V>,
  config: ModelConfig,
  layer: number,
  weights: LayerWeights<V>,
): BlockParts<V> {
  return { ops, config, layer, weights, architecture: architectureOf(config) };
}

/** Grouped-query attention: x [N, D] -> [N, D], before the residual add. */
function selfAttention<V>(parts: BlockParts<V>, x: V): V {
  const { ops, config, layer } = parts;
  const q = headNormed(parts, 'q_norm', ops.heads(biased(parts, 'q', x), config.num_attention_heads));
  const { k, v } = keysAndValues(parts, x);
  const place = { layer, rope: hasRope(config, layer), window: windowOf(config, layer) };
  return biased(parts, 'o', ops.attend({ q, k, v }, place));
}

/** Keys and values of the stream h [N, D] as attention of the layer makes them, not yet turned: what a skipped layer keeps of a token. */
export function carriedKeysAndValues<V>(parts: BlockParts<V>, h: V): Pick<HeadValues<V>, 'k' | 'v'> {
  return keysAndValues(parts, norm(parts, 'attention_norm', h));
}

function keysAndValues<V>(parts: BlockParts<V>, x: V): Pick<HeadValues<V>, 'k' | 'v'> {
  const { ops, config } = parts;
  const { num_key_value_heads: groups } = config;
  const k = headNormed(parts, 'k_norm', ops.heads(biased(parts, 'k', x), groups));
  return { k, v: ops.heads(biased(parts, 'v', x), groups) };
}

function biased<V>({ ops, config, weights, architecture }: BlockParts<V>, role: 'q' | 'k' | 'v' | 'o', x: V): V {
  const product = weights.linear(role, x);
  return architecture.biases(config).includes(role) ? ops.add(product, weights.vector(`${role}_bias`)) : product;
}

function headNormed<V>(parts: BlockParts<V>, role: 'q_norm' | 'k_norm', x: V): V {
  return parts.architecture.head_norms ? norm(parts, role, x) : x;
}

function norm<V>({ ops, config, weights }: BlockParts<V>, role: VectorRole, x: V): V {
  return ops.rmsNorm(x, weights.vector(role), config.rms_norm_eps);
}
