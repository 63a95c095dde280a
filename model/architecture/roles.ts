// The matrices of a layer by what they do: what a method can stand at.

/** The matrices of attention, in the order in which a layer uses them. */
export const attentionRoles = ['q', 'k', 'v', 'o'] as const;

/** The matrices of a gated MLP, in the order in which a layer uses them. */
export const mlpRoles = ['gate', 'up', 'down'] as const;

/** All matrices of a layer. */
export const matrixRoles = [...attentionRoles, ...mlpRoles] as const;

export type MatrixRole = (typeof matrixRoles)[number];

/** The part of a layer that a matrix belongs to, as names of tensors have it. */
export function moduleOf(role: MatrixRole): 'self_attn' | 'mlp' {
  return isMlpRole(role) ? 'mlp' : 'self_attn';
}

export function isMlpRole(role: MatrixRole): role is (typeof mlpRoles)[number] {
  return (mlpRoles as readonly string[]).includes(role);
}

/** True where a matrix writes into the residual stream: it is stored as [D, other], where those that read from it are [other, D]. */
export function writesHidden(role: MatrixRole): boolean {
  return role === 'down' || role === 'o';
}
