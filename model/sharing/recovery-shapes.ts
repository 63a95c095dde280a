import type { ModelConfig } from '../architecture/model-config.ts';
import { isProjection, type MatrixRole } from '../architecture/roles.ts';
import { methodNamed } from '../methods/registry.ts';
import { matrixSize, type Replacement, rolesOf } from './replacement.ts';

/** The name of one parameter of the target layer `target` (from 1), as it stands in files. */
export function recoveryName(target: number, role: MatrixRole, parameter: string): string {
  return `layers.${target}.${isProjection(role) ? 'mlp' : 'self_attn'}.${role}.${parameter}`;
}

/** Names and shapes of all recovery parameters of `replacements`. */
export function recoveryShapes(config: ModelConfig, replacements: readonly Replacement[]): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const replacement of replacements) {
    const { target, candidate, rank } = replacement;
    if (rank === 0) continue;
    for (const role of rolesOf(replacement)) {
      const ofMatrix = methodNamed(candidate).shapes({ ...matrixSize(config, replacement, role), rank });
      for (const [name, shape] of Object.entries(ofMatrix)) shapes.set(recoveryName(target, role, name), shape);
    }
  }
  return shapes;
}
