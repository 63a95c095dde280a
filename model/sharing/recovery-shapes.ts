// Names and shapes of recovery parameters: whose each is, and how many there are. Light: planning reads this.
import { isProjection, type MatrixRole } from '../architecture/roles.ts';
import type { MatrixSizes } from '../architecture/tensors.ts';
import { methodNamed } from '../methods/registry.ts';
import { matrixSize, type Replacement, rolesOf } from './replacement.ts';

/** The name of one parameter that the target layer `target` (from 1) has for itself, as it stands in files. */
export function recoveryName(target: number, role: MatrixRole, parameter: string): string {
  return `layers.${target}.${matrixPath(role)}.${parameter}`;
}

/** The name of one parameter of a replacement: its target's own, or that of the group of its reference (`groups.2.mlp.gate.A`). */
export function parameterName(
  { target, reference, candidate }: Pick<Replacement, 'target' | 'reference' | 'candidate'>,
  role: MatrixRole,
  parameter: string,
): string {
  const isGrouped = methodNamed(candidate).grouped?.(role).includes(parameter) === true;
  return isGrouped ? `groups.${reference}.${matrixPath(role)}.${parameter}` : recoveryName(target, role, parameter);
}

function matrixPath(role: MatrixRole): string {
  return `${isProjection(role) ? 'mlp' : 'self_attn'}.${role}`;
}

/** Names and shapes of all recovery parameters of `replacements`, those of a group once. */
export function recoveryShapes(config: MatrixSizes, replacements: readonly Replacement[]): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const replacement of replacements) {
    const { candidate, rank } = replacement;
    if (rank === 0) continue;
    for (const role of rolesOf(replacement)) {
      const ofMatrix = methodNamed(candidate).shapes({ ...matrixSize(config, replacement, role), rank });
      for (const [name, shape] of Object.entries(ofMatrix)) shapes.set(parameterName(replacement, role, name), shape);
    }
  }
  return shapes;
}

/** How many recovery parameters `replacements` have, the scalars alpha included. */
export function countParameters(config: MatrixSizes, replacements: readonly Replacement[]): number {
  const shapes = [...recoveryShapes(config, replacements).values()];
  return shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
