// What a layer of a model multiplies with: its own tensors, or what the recovery says.
import type { tf } from '../../tensor/tf.ts';
import { tensorName } from '../architecture/tensors.ts';
import { replacementAt } from '../sharing/recovery.ts';
import type { LayerWeights } from './block.ts';
import type { Model } from './model.ts';
import { project } from './project.ts';

/** The weights of layer `layer` (from 1). */
export function layerWeights(model: Model, layer: number): LayerWeights<tf.Tensor> {
  return {
    vector: (role) => model.weights.get(tensorName(model.config, layer, role)),
    linear: (role, x) => project(model, layer, role, x as tf.Tensor2D),
    hasMlp: replacementAt(model.recovery, layer, 'gate')?.reference !== null,
  };
}
