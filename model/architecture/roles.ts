// What each tensor of a model is for: the words by which everything else asks for tensors.

/** The three matrices of a gated MLP. */
export const projections = ['gate', 'up', 'down'] as const;
export type Projection = (typeof projections)[number];

/** The four matrices of attention. */
export const attentionRoles = ['q', 'k', 'v', 'o'] as const;
export type AttentionRole = (typeof attentionRoles)[number];

/** The matrices of a layer, [out, in] each. */
export const matrixRoles = [...attentionRoles, ...projections] as const;
export type MatrixRole = AttentionRole | Projection;

/** What is added to the product with a matrix of attention, [out]. */
export type BiasRole = `${AttentionRole}_bias`;

/** RMSNorm weights: before attention and before the MLP [D], of each query and each key before RoPE [hd]. */
export type NormRole = 'attention_norm' | 'mlp_norm' | 'q_norm' | 'k_norm';

/** What a layer has; which of them, its architecture says. */
export type VectorRole = BiasRole | NormRole;
export type LayerRole = MatrixRole | VectorRole;

/** Every role; the last three belong to no layer. */
export type Role = LayerRole | 'embedding' | 'final_norm' | 'head';

/** True for a matrix of the MLP. */
export function isProjection(role: Role): role is Projection {
  return (projections as readonly string[]).includes(role);
}

/** True for a matrix of a layer. */
export function isMatrixRole(role: Role): role is MatrixRole {
  return (matrixRoles as readonly string[]).includes(role);
}

/** True for a bias. */
export function isBiasRole(role: Role): role is BiasRole {
  return role.endsWith('_bias');
}

/** True where a matrix writes into the residual stream: it is stored as [D, other], where those that read from it are [other, D]. */
export function writesHidden(role: MatrixRole): boolean {
  return role === 'down' || role === 'o';
}
