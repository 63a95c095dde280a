// Every tensor of a model: name, shape, role and layer, as its architecture has them.
import { type MlpSizes, type ModelConfig, mlpWidth, type TensorSizes } from './model-config.ts';
import { architectureOf } from './registry.ts';
import type { AttentionRole, BiasRole, LayerRole, MatrixRole, Role } from './roles.ts';
import { isBiasRole, isMatrixRole, isProjection, projections } from './roles.ts';

/** What the shapes of a layer's matrices follow from. */
export type MatrixSizes = MlpSizes & Pick<ModelConfig, 'head_dim' | 'num_attention_heads' | 'num_key_value_heads'>;

/** One tensor of a model. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: number[];
  readonly role: Role;
  /** From 1; null for what belongs to no layer. */
  readonly layer: number | null;
}

export const embeddingName = 'model.embed_tokens.weight';
export const finalNormName = 'model.norm.weight';
export const headName = 'lm_head.weight';

/** What has an architecture's names. */
type Named = Pick<ModelConfig, 'model_type'>;

/** Name of the tensor `role` of layer `layer` (from 1). */
export function tensorName(config: Named, layer: number, role: LayerRole): string {
  // layers are numbered from 1 everywhere in lamina, as in the paper; these names, alone, count from 0
  return `model.layers.${layer - 1}.${architectureOf(config).names[role]}`;
}

/** Name of a matrix of layer `layer` (from 1) without its ending: the module that a LoRA adapter changes. */
export function moduleName(config: Named, layer: number, role: MatrixRole): string {
  return tensorName(config, layer, role).replace(/\.weight$/, '');
}

/** The tensors of layer `layer` (from 1), in the order in which they are stored. */
export function layerTensors(config: TensorSizes, layer: number): TensorSpec[] {
  return layerRoles(config).map((role) => {
    return { name: tensorName(config, layer, role), shape: layerShape(config, layer, role), role, layer };
  });
}

/** Every tensor that a model of this config has, in the order in which they are stored; a tied model has no output head of its own. */
export function tensorSpecs(config: TensorSizes): TensorSpec[] {
  const { hidden_size: d, vocab_size: v, num_hidden_layers } = config;
  const layers = Array.from({ length: num_hidden_layers }, (_, i) => layerTensors(config, i + 1));
  const outer = (name: string, role: Role, shape: number[]): TensorSpec => ({ name, shape, role, layer: null });
  return [
    outer(embeddingName, 'embedding', [v, d]),
    ...layers.flat(),
    outer(finalNormName, 'final_norm', [d]),
    ...(config.tie_word_embeddings ? [] : [outer(headName, 'head', [v, d])]),
  ];
}

/** The shapes of all tensors by name, in the same order. */
export function tensorShapes(config: TensorSizes): Map<string, number[]> {
  return new Map(tensorSpecs(config).map(({ name, shape }) => [name, shape]));
}

/** Names of the MLP matrices of layer `layer` (from 1). */
export function mlpNames(config: Named, layer: number): string[] {
  return projections.map((projection) => tensorName(config, layer, projection));
}

/** Parameters of the whole model, of its MLPs, of its attention and of its embeddings (with the head). */
export function parameterCounts(config: TensorSizes): {
  total: number;
  mlp: number;
  attention: number;
  embedding: number;
} {
  const counts = { total: 0, mlp: 0, attention: 0, embedding: 0 };
  for (const tensor of tensorSpecs(config)) {
    const size = parametersOf([tensor]);
    const kind = kindOf(tensor.role);
    counts.total += size;
    if (kind === 'head') counts.embedding += size;
    else if (kind !== 'norms') counts[kind] += size;
  }
  return counts;
}

/** Parameters of some tensors. */
export function parametersOf(tensors: readonly Pick<TensorSpec, 'shape'>[]): number {
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** What a tensor's numbers are spent on. */
export type TensorKind = 'embedding' | 'attention' | 'mlp' | 'head' | 'norms';

/** The kind of a role: biases, and the norms of queries and keys, count as attention. */
export function kindOf(role: Role): TensorKind {
  if (role === 'embedding' || role === 'head') return role;
  if (isProjection(role)) return 'mlp';
  return role.endsWith('norm') && role !== 'q_norm' && role !== 'k_norm' ? 'norms' : 'attention';
}

/** The roles that a layer has, in the order of its tensors. */
function layerRoles(config: TensorSizes): LayerRole[] {
  const { biases, head_norms } = architectureOf(config);
  const biased = biases(config);
  const withBias = (role: AttentionRole): LayerRole[] => (biased.includes(role) ? [role, `${role}_bias`] : [role]);
  const attention = (['q', 'k', 'v', 'o'] as const).flatMap(withBias);
  const norms = head_norms ? (['q_norm', 'k_norm'] as const) : [];
  return ['attention_norm', ...attention, ...norms, 'mlp_norm', ...projections];
}

/** Norms and biases are vectors, matrices [out, in]. */
function layerShape(config: TensorSizes, layer: number, role: LayerRole): number[] {
  if (isMatrixRole(role)) return matrixShapeOf(config, layer, role);
  if (isBiasRole(role)) return matrixShapeOf(config, layer, matrixOf(role)).slice(0, 1);
  return [role === 'q_norm' || role === 'k_norm' ? config.head_dim : config.hidden_size];
}

function matrixOf(bias: BiasRole): AttentionRole {
  return bias.slice(0, 1) as AttentionRole;
}

/** The shape [out, in] of matrix `role` of layer `layer` (from 1). */
export function matrixShapeOf(config: MatrixSizes, layer: number, role: MatrixRole): [number, number] {
  const { hidden_size: d, head_dim, num_attention_heads, num_key_value_heads } = config;
  if (isProjection(role)) return role === 'down' ? [d, mlpWidth(config, layer)] : [mlpWidth(config, layer), d];
  const [queries, keys] = [num_attention_heads * head_dim, num_key_value_heads * head_dim];
  if (role === 'o') return [d, queries];
  return [role === 'q' ? queries : keys, d];
}
