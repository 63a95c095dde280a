// What a layer of a model multiplies with: its own tensors, or what the recovery says.
import { tf } from '../../tensor/tf.ts';
import { isProjection, type MatrixRole } from '../architecture/roles.ts';
import { layerTensors, tensorName } from '../architecture/tensors.ts';
import { type Recovery, replacementAt } from '../sharing/recovery.ts';
import { recoveryShapes } from '../sharing/recovery-shapes.ts';
import { consecutive } from '../sharing/sharing.ts';
import type { LayerWeights } from './block.ts';
import type { Model } from './model.ts';
import { project } from './project.ts';
import { routerOf } from './router.ts';

/** The weights of layer `layer` (from 1). */
export function layerWeights(model: Model, layer: number): LayerWeights<tf.Tensor> {
  return {
    vector: (role) => model.weights.get(tensorName(model.config, layer, role)),
    linear: (role, x) => project(model, layer, role, x as tf.Tensor2D),
    hasAttention: hasAttention(model, layer),
    hasMlp: replacementAt(model.recovery, layer, 'gate')?.reference !== null,
    router: routerOf(model, layer),
  };
}

/** The layers (from 1) that attend, ascending: those that have keys and values. */
export function attendingLayers(model: Pick<Model, 'config' | 'recovery'>): number[] {
  return consecutive(1, model.config.num_hidden_layers).filter((layer) => hasAttention(model, layer));
}

function hasAttention({ recovery }: { readonly recovery?: Recovery | undefined }, layer: number): boolean {
  return replacementAt(recovery, layer, 'q')?.reference !== null;
}

/** The variables that the layers of a step (from 1) may read, each once. */
export function stepVariables(model: Model, step: readonly number[]): tf.Variable[] {
  return [...new Set(step.flatMap((layer) => layerVariables(model, layer)))];
}

/** Of one layer: its own tensors, or of those that stand in for them, and their recovery parameters. */
function layerVariables(model: Model, layer: number): tf.Variable[] {
  const { config, weights, recovery } = model;
  const attends = hasAttention(model, layer);
  const own = layerTensors(config, layer).flatMap(({ role, name }) => {
    if (!attends && !isProjection(role) && role !== 'mlp_norm') return [];
    const reference = replacementAt(recovery, layer, role as MatrixRole)?.reference;
    if (reference === null) return [];
    return [weights.get(reference === undefined ? name : tensorName(config, reference, role as MatrixRole))];
  });
  const replacements = recovery?.replacements.filter(({ target }) => target === layer) ?? [];
  const added = [...recoveryShapes(config, replacements).keys()].map((name) => recovery?.parameters.get(name));
  const read = new Set([...own, ...added]);
  return [...read].filter((tensor) => tensor instanceof tf.Variable) as tf.Variable[];
}
