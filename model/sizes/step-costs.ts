// What one token takes in decoding, layer by layer, when it may stop early: operations of the products with the model's matrices, with what stands at them.
//
// D hidden, V vocabulary, Q width of all queries. A multiply-add counts as two operations, as in costs.ts.
import type { ModelConfig } from '../architecture/model-config.ts';
import { isMatrixRole, type MatrixRole } from '../architecture/roles.ts';
import { layerTensors } from '../architecture/tensors.ts';
import type { Recovery } from '../sharing/recovery.ts';
import { replacementAt } from '../sharing/recovery.ts';
import { recoveryShapes } from '../sharing/recovery-shapes.ts';
import { consecutive } from '../sharing/sharing.ts';

/** Operations of one token, by layer from 1 (at index 0); products alone, what attention does with earlier tokens apart. */
export interface StepCosts {
  /** A layer that is run. */
  readonly run: readonly number[];
  /** A layer that is skipped and keeps keys and values of the token all the same: two products, where it attends. */
  readonly carried: readonly number[];
  /** The head, once. */
  readonly head: number;
  /** Scores and values of one layer that attends, for each token that is seen. */
  readonly seen: readonly number[];
}

/** The costs of a step of a model of `config` with `recovery`. */
export function stepCosts(config: ModelConfig, recovery: Recovery | undefined): StepCosts {
  const layers = consecutive(1, config.num_hidden_layers);
  const products = layers.map((layer) => productsOf(config, recovery, layer));
  const sum = (layer: Map<MatrixRole, number>, roles = [...layer.keys()]) =>
    roles.reduce((total, role) => total + (layer.get(role) ?? 0), 0);
  const { num_attention_heads, head_dim, hidden_size, vocab_size } = config;
  return {
    run: products.map((layer) => sum(layer)),
    carried: products.map((layer) => sum(layer, ['k', 'v'])),
    head: 2 * hidden_size * vocab_size,
    seen: products.map((layer) => (layer.has('k') ? 4 * num_attention_heads * head_dim : 0)),
  };
}

/** Where one token stopped. */
export interface StoppedToken {
  /** The layer (from 1). */
  readonly layer: number;
  /** How often the head was asked. */
  readonly heads: number;
  /** Tokens before it. */
  readonly length: number;
}

/** Operations of a token that stopped there, keys and values of the skipped layers included. */
export function stoppedOperations(costs: StepCosts, { layer, heads, length }: StoppedToken): number {
  const seen = costs.seen.slice(0, layer).reduce((sum, each) => sum + each * (length + 1), 0);
  return total(costs.run.slice(0, layer)) + total(costs.carried.slice(layer)) + heads * costs.head + seen;
}

/** Layers that a token took: those that were run, and of each that was skipped the share that its keys and values are of its products. */
function layersTaken({ run, carried }: StepCosts, layer: number): number {
  const shares = run.slice(layer).map((all, i) => (all === 0 ? 0 : (carried[layer + i] as number) / all));
  return layer + total(shares);
}

/** What the tokens of a decoding took; all means are over tokens. */
export interface DecodingSummary {
  readonly tokens: number;
  /** After which they stopped. */
  readonly layers: number;
  readonly layers_with_kv: number;
  /** How often the head was asked for one. */
  readonly heads: number;
  readonly operations_per_token: number;
  /** The same with all layers and the head once. */
  readonly full_operations_per_token: number;
  /** Share of these operations that is saved; negative where exits are asked and not taken. */
  readonly saved: number;
  /** Share of the tokens that stopped before the last layer. */
  readonly early: number;
  /** Share of the tokens that stopped after each layer where some did. */
  readonly by_layer: Readonly<Record<string, number>>;
}

/** The summary of `tokens` of a model. */
export function decodingSummary(
  { config, recovery }: { readonly config: ModelConfig; readonly recovery?: Recovery | undefined },
  tokens: readonly StoppedToken[],
): DecodingSummary {
  const costs = stepCosts(config, recovery);
  const depth = config.num_hidden_layers;
  const mean = (of: (token: StoppedToken) => number) =>
    tokens.length === 0 ? 0 : total(tokens.map(of)) / tokens.length;
  const operations = mean((token) => stoppedOperations(costs, token));
  const full = mean((token) => stoppedOperations(costs, { ...token, layer: depth, heads: 1 }));
  const shares = consecutive(1, depth).map((layer) => [layer, mean((token) => Number(token.layer === layer))] as const);
  return {
    tokens: tokens.length,
    layers: mean(({ layer }) => layer),
    layers_with_kv: mean(({ layer }) => layersTaken(costs, layer)),
    heads: mean(({ heads }) => heads),
    operations_per_token: operations,
    full_operations_per_token: full,
    saved: full === 0 ? 0 : 1 - operations / full,
    early: mean(({ layer }) => Number(layer < depth)),
    by_layer: Object.fromEntries(shares.filter(([, share]) => share > 0)),
  };
}

/** Operations of each matrix of a layer that is there, recovery parameters at it included. */
function productsOf(config: ModelConfig, recovery: Recovery | undefined, layer: number): Map<MatrixRole, number> {
  const products = new Map<MatrixRole, number>();
  for (const { role, shape } of layerTensors(config, layer)) {
    if (!isMatrixRole(role)) continue;
    const replacement = replacementAt(recovery, layer, role);
    if (replacement?.reference === null) continue;
    const weights = size(shape);
    const added =
      replacement === undefined ? 0 : [...recoveryShapes(config, [{ ...replacement, roles: [role] }]).values()];
    const terms = added === 0 ? 0 : added.reduce((sum, each) => sum + size(each), 0);
    products.set(role, 2 * (weights + terms));
  }
  return products;
}

function total(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function size(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
