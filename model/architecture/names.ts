// The names and shapes of a Llama's tensors, as Hugging Face writes them.
import { type ModelConfig, mlpWidth } from './config.ts';
import { isMlpRole, type MatrixRole } from './roles.ts';

/** The three projections of a gated MLP. */
export const projections = ['gate', 'up', 'down'] as const;
export type Projection = (typeof projections)[number];

/** The two RMSNorm weights of a layer. */
export type NormName = 'input_layernorm' | 'post_attention_layernorm';

export const embeddingName = 'model.embed_tokens.weight';
export const finalNormName = 'model.norm.weight';
export const headName = 'lm_head.weight';

// Layers are numbered from 1 everywhere in lamina, as in the paper; the names below, alone, count from 0.
const layerName = (layer: number, rest: string) => `model.layers.${layer - 1}.${rest}.weight`;

/** Name of an MLP weight of layer `layer` (from 1): gate and up [F, D], down [D, F]. */
export function mlpName(layer: number, projection: Projection): string {
  return layerName(layer, `mlp.${projection}_proj`);
}

/** Name of an attention weight of layer `layer` (from 1): q [H*hd, D], k and v [K*hd, D], o [D, H*hd]. */
export function attentionName(layer: number, projection: 'q' | 'k' | 'v' | 'o'): string {
  return layerName(layer, `self_attn.${projection}_proj`);
}

/** Name of the matrix `role` of layer `layer` (from 1). */
export function matrixName(layer: number, role: MatrixRole): string {
  return isMlpRole(role) ? mlpName(layer, role) : attentionName(layer, role);
}

/** Name of a norm weight [D] of layer `layer` (from 1). */
export function normName(layer: number, norm: NormName): string {
  return layerName(layer, norm);
}

/** Every tensor that a Llama of this config has, with its shape; a tied model has no output head of its own. */
export function tensorShapes(config: ModelConfig): Map<string, number[]> {
  const { hidden_size: d, vocab_size: v } = config;
  const shapes = new Map<string, number[]>([[embeddingName, [v, d]]]);
  for (let layer = 1; layer <= config.num_hidden_layers; layer++) {
    for (const [name, shape] of layerShapes(config, layer)) shapes.set(name, shape);
  }
  shapes.set(finalNormName, [d]);
  if (!config.tie_word_embeddings) shapes.set(headName, [v, d]);
  return shapes;
}

/** Parameters of the whole model, of its MLPs, of its attention and of its embeddings (with the head). */
export function parameterCounts(config: ModelConfig): {
  total: number;
  mlp: number;
  attention: number;
  embedding: number;
} {
  const counts = { total: 0, mlp: 0, attention: 0, embedding: 0 };
  for (const [name, shape] of tensorShapes(config)) {
    const size = shape.reduce((a, b) => a * b, 1);
    counts.total += size;
    if (name.includes('.mlp.')) counts.mlp += size;
    else if (name.includes('.self_attn.')) counts.attention += size;
    else if (name === embeddingName || name === headName) counts.embedding += size;
  }
  return counts;
}

function layerShapes(config: ModelConfig, layer: number): [string, number[]][] {
  const { hidden_size: d, head_dim } = config;
  const f = mlpWidth(config, layer);
  const queries = config.num_attention_heads * head_dim;
  const keys = config.num_key_value_heads * head_dim;
  return [
    [normName(layer, 'input_layernorm'), [d]],
    [attentionName(layer, 'q'), [queries, d]],
    [attentionName(layer, 'k'), [keys, d]],
    [attentionName(layer, 'v'), [keys, d]],
    [attentionName(layer, 'o'), [d, queries]],
    [normName(layer, 'post_attention_layernorm'), [d]],
    [mlpName(layer, 'gate'), [f, d]],
    [mlpName(layer, 'up'), [f, d]],
    [mlpName(layer, 'down'), [d, f]],
  ];
}
