// Recovery: what stands at the matrices of some layers, and the recovery parameters that this takes (methods A.3).
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { createRandom } from '../../util/random.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type MatrixRole, writesHidden } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { type Values, variablesOf, type Weights } from '../architecture/weights.ts';
import type { Init } from '../methods/method.ts';
import { initOf, methodNamed } from '../methods/registry.ts';
import type { Product } from '../operators/operators.ts';
import { joinParallel, type ParallelLayers } from './parallel-layers.ts';
import { parameterName, recoveryShapes } from './recovery-shapes.ts';
import { checkReplacements, matrixSize, type Replacement, rolesOf } from './replacement.ts';
import { checkRouting, joinRouting, type Routed } from './routing.ts';
import { singularVectors } from './singular-vectors.ts';
import { applyMatrix, type KnownProduct } from './tensor-matrix.ts';

/** Replacements, targets ascending, with their parameters; which layers run side by side, and which MLPs are cut into experts. */
export interface Recovery {
  readonly replacements: readonly Replacement[];
  /** None: one layer after the other. */
  readonly parallel?: ParallelLayers | undefined;
  /** None: each token passes every MLP whole. Routers are trained by themselves, not with the parameters. */
  readonly routing?: Routed<tf.Variable> | undefined;
  /** By `parameterName`; variables, so that they can be trained. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
}

/** How recovery parameters start. */
export interface RecoverySettings {
  readonly init: Init;
  readonly seed: number | string;
}

/**
 * Recovery parameters at their start (methods A.5); the caller frees them. What a target gets depends on the seed and itself
 * alone, what a group has in common on the seed and its reference. `weights` are needed for inits that read the reference's matrices (`readsWeights`).
 */
export function createRecovery(
  config: ModelConfig,
  replacements: readonly Replacement[],
  settings: RecoverySettings,
  weights?: Pick<Weights, 'get'>,
): Recovery {
  checkReplacements(config, replacements, 'the replacements');
  const parameters = new Map<string, tf.Variable>();
  for (const replacement of replacements) {
    const started = startTarget(config, replacement, settings, weights);
    for (const name of parameters.keys()) started.delete(name); // of a group, which starts once
    for (const [name, variable] of variablesOf(started)) parameters.set(name, variable);
  }
  return { replacements, parameters };
}

/** Several recoveries as one, which owns their parameters; a UserError when they do not go together. */
export function joinRecoveries(config: ModelConfig, parts: readonly Recovery[], source: string): Recovery {
  const replacements = parts.flatMap((part) => part.replacements).toSorted((a, b) => a.target - b.target);
  checkReplacements(config, replacements, source);
  const all = new Map<string, tf.Variable>();
  for (const [name, variable] of parts.flatMap(({ parameters }) => [...parameters])) {
    const known = all.get(name);
    if (known === undefined || known === variable) all.set(name, variable);
    else checkSame(name, known, variable, source);
  }
  const names = [...recoveryShapes(config, replacements).keys()];
  const parameters = new Map(names.map((name) => [name, all.get(name) as tf.Variable]));
  const parallel = joinParallel(parts, source);
  const routing = joinRouting(parts, source);
  if (routing !== undefined) checkRouting(config, routing, { replacements, parallel }, source);
  return { replacements, parameters, ...(parallel && { parallel }), ...(routing && { routing }) };
}

/** What a group has in common is in each part that was made apart from the others; the second copy is freed where it is equal. */
function checkSame(name: string, known: tf.Variable, other: tf.Variable, source: string): void {
  const [ours, theirs] = [known.dataSync(), other.dataSync()];
  if (ours.length !== theirs.length || ours.some((value, i) => value !== theirs[i])) {
    throw new UserError(
      `${source}: parameter '${name}', which a group of layers has in common, is there with different values, expected parts that were not trained apart`,
    );
  }
  other.dispose();
}

/** True when the start of `candidate` is computed from the reference's weights. */
export function readsWeights(candidate: string, init: Init): boolean {
  return initOf(candidate, init) === 'svd';
}

/** Frees parameters and routers. */
export function disposeRecovery({ parameters, routing }: Recovery): void {
  for (const variable of [...parameters.values(), ...(routing?.routers.values() ?? [])]) variable.dispose();
}

/** What stands at matrix `role` of `layer` (from 1); undefined where it is the layer's own as it is. */
export function replacementAt(
  recovery: Pick<Recovery, 'replacements'> | undefined,
  layer: number,
  role: MatrixRole,
): Replacement | undefined {
  return recovery?.replacements.find((each) => each.target === layer && rolesOf(each).includes(role));
}

/** Recovery parameters by `parameterName`, or tensors in their places. */
export type RecoveryTensors = ReadonlyMap<string, tf.Tensor>;

/**
 * One matrix of `replacement`: its reference's `product`, with the recovery parameters of the target where there are any. `known`
 * is the product of the reference's matrix and x, where the caller has it.
 */
export function throughMatrix(
  replacement: Replacement,
  role: MatrixRole,
  x: tf.Tensor2D,
  product: Product<tf.Tensor>,
  parameters: RecoveryTensors | undefined,
  known?: KnownProduct,
): tf.Tensor2D {
  const { candidate, rank } = replacement;
  if (rank === 0) return product.times(product.input(x)) as tf.Tensor2D;
  const parameter = (name: string) => {
    const full = parameterName(replacement, role, name);
    const tensor = parameters?.get(full);
    if (!tensor) throw new Error(`the recovery has no tensor '${full}'`);
    return tensor;
  };
  return applyMatrix(candidate, role, x, product, parameter, known);
}

function startTarget(
  config: ModelConfig,
  replacement: Replacement,
  { init, seed }: RecoverySettings,
  weights: Pick<Weights, 'get'> | undefined,
): Map<string, Values> {
  const entries = new Map<string, Values>();
  const { target, reference, candidate, rank } = replacement;
  if (rank === 0) return entries;
  const method = methodNamed(candidate);
  const own = createRandom('recovery', seed, target);
  const common = createRandom('recovery', seed, `group ${reference}`);
  for (const role of rolesOf(replacement)) {
    const size = matrixSize(config, replacement, role);
    const leading = (side: 'left' | 'right') =>
      leadingVectors(weightOf(config, replacement, role, weights), role, side, rank);
    const given = { ...size, rank, init: initOf(candidate, init), isTransposed: writesHidden(role), leading };
    const grouped = method.grouped?.(role) ?? [];
    const values = method.start({ ...given, random: own });
    const inCommon = grouped.length > 0 ? method.start({ ...given, random: common }) : {};
    for (const [name, shape] of Object.entries(method.shapes({ ...size, rank }))) {
      const start = (grouped.includes(name) ? inCommon : values)[name] as Float32Array;
      entries.set(parameterName(replacement, role, name), { shape, values: start });
    }
  }
  return entries;
}

function weightOf(
  config: ModelConfig,
  { reference, candidate }: Replacement,
  role: MatrixRole,
  weights: Pick<Weights, 'get'> | undefined,
) {
  if (weights) return weights.get(tensorName(config, reference as number, role)) as tf.Tensor2D;
  throw new Error(`the start of candidate '${candidate}' needs the weights of layer ${reference}`);
}

/** The leading singular vectors of Theta [d, f], which `weight` [out, in] stores: left ones [d, r], right ones [r, f]. */
function leadingVectors(weight: tf.Tensor2D, role: MatrixRole, side: 'left' | 'right', rank: number): Float32Array {
  const stored = writesHidden(role) ? side : side === 'left' ? 'right' : 'left';
  const vectors = singularVectors(weight, stored, rank);
  const oriented = side === 'left' ? vectors : tf.tidy(() => tf.transpose(vectors));
  const values = oriented.dataSync().slice() as Float32Array;
  tf.dispose([vectors, oriented]);
  return values;
}
