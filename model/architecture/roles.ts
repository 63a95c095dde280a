// The matrices of a layer by what they do: what a method can stand at.

/** The matrices of attention, in the order in which a layer uses them. */
export const attentionRoles = ['q', 'k', 'v', 'o'] as const;

/** The matrices of a gated MLP, in the order in which a layer uses them. */
export const mlpRoles = ['gate', 'up', 'down'] as const;

/** All matrices of a layer. */
export const matrixRoles = [...attentionRoles, ...mlpRoles] as const;

export type MatrixRole = (typeof matrixRoles)[number];

/** True where a matrix reads its layer's part of the residual stream in and gives that back: its stored form [out, in] is [D, other]. */
export function writesHidden(role: MatrixRole): boolean {
  return role === 'down' || role === 'o';
}
