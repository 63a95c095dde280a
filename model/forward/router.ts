// The router of a layer whose MLP is cut into experts (FactorLLM, arXiv 2408.11855), and the matrices of its experts.
//
// N rows, D hidden, F MLP width, E experts of G = F / E neighbouring channels.
import { backingArray, hasArrays } from '../../tensor/backend/backing.ts';
import type { ExpertMatrices } from '../../tensor/experts.ts';
import { tf } from '../../tensor/tf.ts';
import { projections } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { replacementAt } from '../sharing/recovery.ts';
import { routerName } from '../sharing/routing.ts';
import type { Router } from './block.ts';
import type { Model } from './model.ts';

/** The router of layer `layer` (from 1); none where a token passes the MLP whole. */
export function routerOf(model: Model, layer: number): Router<tf.Tensor> | undefined {
  const routing = model.recovery?.routing;
  if (routing === undefined || !routing.layers.includes(layer)) return undefined;
  const { routers, active, experts } = routing;
  const tensor = (name: 'weight' | 'bias') => routers.get(routerName(layer, name)) as tf.Tensor;
  return {
    active,
    scores: (x) => tf.add(tf.matMul(x, tensor('weight'), false, true), tensor('bias')),
    scaled: (x) => tf.mul(x, experts / active),
    experts: model.routes === true && canPart(model, layer) ? expertsOf(model, layer) : undefined,
  };
}

/** Stored matrices alone can be cut: recovery parameters work on whole ones, and a row is rounded to int8 by all of its channels. */
function canPart({ weights, recovery }: Model, layer: number): boolean {
  return (
    weights.input === undefined && projections.every((role) => (replacementAt(recovery, layer, role)?.rank ?? 0) === 0)
  );
}

function expertsOf(model: Model, layer: number): readonly ExpertMatrices[] {
  return model.experts.get(layer) ?? cutExperts(model, layer, (matrix, begin, size) => tf.slice(matrix, begin, size));
}

/** Cuts out the experts of a model whose weights do not change, where they alone are computed; they live as long as its frames. */
export function keepExperts(model: Model): void {
  for (const layer of model.recovery?.routing?.layers ?? []) {
    if (canPart(model, layer) && !model.experts.has(layer))
      model.experts.set(layer, cutExperts(model, layer, keptPart));
  }
}

type Cut = (matrix: tf.Tensor, begin: [number, number], size: [number, number]) => tf.Tensor;

function cutExperts({ weights, config, recovery }: Model, layer: number, cut: Cut): ExpertMatrices[] {
  const matrix = (role: (typeof projections)[number]) =>
    weights.get(tensorName(config, replacementAt(recovery, layer, role)?.reference ?? layer, role));
  const [gate, up, down] = projections.map(matrix) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const count = recovery?.routing?.experts ?? 1;
  const [width, hidden] = gate.shape as [number, number];
  const channels = width / count;
  return Array.from({ length: count }, (_, e) => ({
    gate: cut(gate, [e * channels, 0], [channels, hidden]),
    up: cut(up, [e * channels, 0], [channels, hidden]),
    down: cut(down, [0, e * channels], [hidden, channels]),
  }));
}

/** Whole rows of a matrix are a part of its array; columns are copied. */
const keptPart: Cut = (matrix, begin, size) => {
  const [row, column] = begin;
  const [rows, columns] = size;
  if (column > 0 || columns !== matrix.shape[1] || !hasArrays())
    return tf.keep(tf.tidy(() => tf.slice(matrix, begin, size)));
  const values = backingArray(matrix).subarray(row * columns, (row + rows) * columns);
  return tf.keep(tf.tensor2d(values, size));
};
