// Recovery parameters: what a target layer keeps of its own beside its reference's MLP (methods A.3, paper equations 3 to 6).
import { tf } from '../tensor/tf.ts';
import type { Random } from '../util/random.ts';
import { candidateNamed, type Init } from './candidates.ts';
import type { LlamaConfig } from './config.ts';
import { type Projection, projections } from './names.ts';
import type { Pair } from './sharing.ts';

/** The recovery parameters of some targets; rank 0 is Direct Sharing, which has none. */
export interface Recovery {
  readonly candidate: string;
  readonly rank: number;
  readonly pairs: readonly Pair[];
  /** Tensors by `recoveryName`. */
  readonly parameters: ReadonlyMap<string, tf.Tensor>;
}

/** The name of one parameter of the target layer `target` (from 1), as it stands in files. */
export function recoveryName(target: number, projection: Projection, parameter: string): string {
  return `layers.${target}.mlp.${projection}.${parameter}`;
}

/** Names and shapes of all recovery parameters of `pairs`. */
export function recoveryShapes(
  config: LlamaConfig,
  pairs: readonly Pair[],
  candidate: string,
  rank: number,
): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  if (rank === 0) return shapes;
  const ofMatrix = candidateNamed(candidate).shapes(config.hidden_size, config.intermediate_size, rank);
  for (const { target } of pairs) {
    for (const projection of projections) {
      for (const [name, shape] of Object.entries(ofMatrix)) shapes.set(recoveryName(target, projection, name), shape);
    }
  }
  return shapes;
}

/** Starting values of the recovery parameters of one target (methods A.5), drawn from `random`. */
export function initRecovery(
  config: LlamaConfig,
  target: number,
  settings: { candidate: string; rank: number; init: Init },
  random: Random,
): Map<string, { shape: number[]; values: Float32Array }> {
  const entries = new Map<string, { shape: number[]; values: Float32Array }>();
  if (settings.rank === 0) return entries;
  const { hidden_size: d, intermediate_size: f } = config;
  const candidate = candidateNamed(settings.candidate);
  const shapes = candidate.shapes(d, f, settings.rank);
  for (const projection of projections) {
    const values = candidate.init(projection, shapes, settings.init, random);
    for (const [name, shape] of Object.entries(shapes)) {
      entries.set(recoveryName(target, projection, name), { shape, values: values[name] as Float32Array });
    }
  }
  return entries;
}

/** The projections of one target: those of its reference's `weight`, transformed where `recovery` has parameters for it. */
export function projectionOf(
  recovery: Recovery | undefined,
  target: number,
  weight: (projection: Projection) => tf.Tensor2D,
): (projection: Projection, x: tf.Tensor2D) => tf.Tensor2D {
  const recovered = recovery && recovery.rank > 0 && recovery.pairs.some((pair) => pair.target === target);
  if (!recovered) return (projection, x) => tf.matMul(x, weight(projection), false, true);
  const candidate = candidateNamed(recovery.candidate);
  return (projection, x) => candidate.apply(projection, x, weight(projection), (name) => parameter(recovery, target, projection, name));
}

function parameter(recovery: Recovery, target: number, projection: Projection, name: string): tf.Tensor {
  const full = recoveryName(target, projection, name);
  const tensor = recovery.parameters.get(full);
  if (!tensor) throw new Error(`the recovery has no tensor '${full}'`);
  return tensor;
}
