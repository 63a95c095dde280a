// Recovery parameters: what a target layer keeps of its own beside its reference's MLP (methods A.3, paper equations 3 to 6).
import { tf } from '../tensor/tf.ts';
import { createRandom, type Random } from '../util/random.ts';
import { candidateNamed, type Init } from './candidates.ts';
import type { LlamaConfig } from './config.ts';
import { type Projection, projections } from './names.ts';
import type { Pair } from './sharing.ts';
import { type Values, variablesOf } from './weights.ts';

/** The recovery parameters of some targets; rank 0 is Direct Sharing, which has none. */
export interface Recovery {
  readonly candidate: string;
  readonly rank: number;
  readonly pairs: readonly Pair[];
  /** By `recoveryName`; variables, so that they can be trained. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
}

/** How recovery parameters are made. */
export interface RecoverySettings {
  readonly candidate: string;
  readonly rank: number;
  readonly init: Init;
  readonly seed: number | string;
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

/** Recovery parameters at their start (methods A.5) for `pairs`; what a target gets depends on the seed and itself alone. */
export function createRecovery(config: LlamaConfig, pairs: readonly Pair[], settings: RecoverySettings): Recovery {
  const { candidate, rank, init, seed } = settings;
  const parameters = new Map<string, tf.Variable>();
  for (const { target } of pairs) {
    const random = createRandom('recovery', seed, target);
    for (const [name, entry] of variablesOf(initTarget(config, target, { candidate, rank, init }, random))) {
      parameters.set(name, entry);
    }
  }
  return { candidate, rank, pairs, parameters };
}

/** Frees the parameters. */
export function disposeRecovery(recovery: Recovery): void {
  for (const variable of recovery.parameters.values()) variable.dispose();
}

function initTarget(
  config: LlamaConfig,
  target: number,
  settings: Omit<RecoverySettings, 'seed'>,
  random: Random,
): Map<string, Values> {
  const entries = new Map<string, Values>();
  if (settings.rank === 0) return entries;
  const candidate = candidateNamed(settings.candidate);
  const shapes = candidate.shapes(config.hidden_size, config.intermediate_size, settings.rank);
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
  return (projection, x) =>
    candidate.apply(projection, x, weight(projection), (name) => parameter(recovery, target, projection, name));
}

function parameter(recovery: Recovery, target: number, projection: Projection, name: string): tf.Tensor {
  const full = recoveryName(target, projection, name);
  const tensor = recovery.parameters.get(full);
  if (!tensor) throw new Error(`the recovery has no tensor '${full}'`);
  return tensor;
}
