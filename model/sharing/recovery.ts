// Recovery: what stands in for the MLPs of some layers, and the recovery parameters that this takes (methods A.3).
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type Projection, projections } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { type Values, variablesOf, type Weights } from '../architecture/weights.ts';
import { type Init, initOf, matrixShapes } from './candidates/forms.ts';
import { applyMatrix, startMatrix } from './candidates/registry.ts';
import { checkReplacements, type Replacement, replacementWidth } from './replacement.ts';

/** Replacements, one per changed layer, targets ascending, with their parameters. */
export interface Recovery {
  readonly replacements: readonly Replacement[];
  /** By `recoveryName`; variables, so that they can be trained. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
}

/** How recovery parameters start. */
export interface RecoverySettings {
  readonly init: Init;
  readonly seed: number | string;
}

/** The name of one parameter of the target layer `target` (from 1), as it stands in files. */
export function recoveryName(target: number, projection: Projection, parameter: string): string {
  return `layers.${target}.mlp.${projection}.${parameter}`;
}

/** Names and shapes of all recovery parameters of `replacements`. */
export function recoveryShapes(config: ModelConfig, replacements: readonly Replacement[]): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const replacement of replacements) {
    const { target, candidate, rank } = replacement;
    if (rank === 0) continue;
    const width = replacementWidth(config, replacement);
    const ofMatrix = Object.entries(matrixShapes(candidate, config.hidden_size, width, rank));
    for (const projection of projections) {
      for (const [name, shape] of ofMatrix) shapes.set(recoveryName(target, projection, name), shape);
    }
  }
  return shapes;
}

/**
 * Recovery parameters at their start (methods A.5); the caller frees them. What a target gets depends on the seed and itself
 * alone. `weights` are needed for inits that read the reference's matrices (`readsWeights`).
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
    for (const [name, variable] of variablesOf(startTarget(config, replacement, settings, weights))) {
      parameters.set(name, variable);
    }
  }
  return { replacements, parameters };
}

/** Several recoveries as one, which owns their parameters; a UserError when they do not go together. */
export function joinRecoveries(config: ModelConfig, parts: readonly Recovery[], source: string): Recovery {
  const replacements = parts.flatMap((part) => part.replacements).toSorted((a, b) => a.target - b.target);
  checkReplacements(config, replacements, source);
  const all = new Map(parts.flatMap(({ parameters }) => [...parameters]));
  const names = [...recoveryShapes(config, replacements).keys()];
  return { replacements, parameters: new Map(names.map((name) => [name, all.get(name) as tf.Variable])) };
}

/** True when the start of `candidate` is computed from the reference's weights. */
export function readsWeights(candidate: string, init: Init): boolean {
  return initOf(candidate, init) === 'svd';
}

/** Frees the parameters. */
export function disposeRecovery(recovery: Recovery): void {
  for (const variable of recovery.parameters.values()) variable.dispose();
}

/** What stands in for the MLP of `layer` (from 1); undefined when it keeps its own as it is. */
export function replacementAt(recovery: Recovery | undefined, layer: number): Replacement | undefined {
  return recovery?.replacements.find(({ target }) => target === layer);
}

/**
 * The projections of one target: those of its reference's `weight`, transformed where there are recovery parameters. `input` is
 * what the reference's product sees of x; A B see x itself.
 */
export function projectionOf(
  weight: (projection: Projection) => tf.Tensor2D,
  replacement?: Replacement,
  parameters?: Recovery['parameters'],
  input: (projection: Projection, x: tf.Tensor2D) => tf.Tensor2D = (_projection, x) => x,
): (projection: Projection, x: tf.Tensor2D) => tf.Tensor2D {
  if (!replacement || replacement.rank === 0) {
    return (projection, x) => tf.matMul(input(projection, x), weight(projection), false, true);
  }
  const { target, candidate } = replacement;
  const parameter = (projection: Projection) => (name: string) => {
    const full = recoveryName(target, projection, name);
    const tensor = parameters?.get(full);
    if (!tensor) throw new Error(`the recovery has no tensor '${full}'`);
    return tensor;
  };
  return (projection, x) =>
    applyMatrix(candidate, projection, x, weight(projection), parameter(projection), input(projection, x));
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
  const random = createRandom('recovery', seed, target);
  const [d, f] = [config.hidden_size, replacementWidth(config, replacement)];
  const shapes = matrixShapes(candidate, d, f, rank);
  for (const projection of projections) {
    const weight = () => {
      if (!weights)
        throw new Error(`init '${init}' of candidate '${candidate}' needs the weights of layer ${reference}`);
      return weights.get(tensorName(config, reference as number, projection)) as tf.Tensor2D;
    };
    const values = startMatrix(candidate, initOf(candidate, init), { projection, d, f, rank, random, weight });
    for (const [name, shape] of Object.entries(shapes)) {
      entries.set(recoveryName(target, projection, name), { shape, values: values[name] as Float32Array });
    }
  }
  return entries;
}
