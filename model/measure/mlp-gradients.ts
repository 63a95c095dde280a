// Gradients of the language-model loss by the MLP matrices of chosen layers, without holding more than one layer's at a time.
//
// The forward pass keeps the residual stream before every layer, which is small for a few short sequences; the backward pass
// then runs each layer once more, from the last to the first (recomputation, arXiv 1604.06174).
import { flush } from '../../tensor/backend/flush.ts';
import { tf } from '../../tensor/tf.ts';
import { type Projection, projections } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import type { Batch } from '../forward/batches.ts';
import { embed, runBlock } from '../forward/forward.ts';
import { nllOfStates } from '../forward/loss.ts';
import type { Model } from '../forward/model.ts';
import type { Extent } from '../forward/pass-operators.ts';

type ByProjection = Readonly<Record<Projection, tf.Tensor2D>>;

/** Gradients of one layer; every matrix has the shape of the weight, [out, in]. */
export interface MlpGradients {
  /** Mean over the batches. */
  readonly mean: ByProjection;
  /** Mean over the batches of the squares, where they were asked for. */
  readonly square?: ByProjection | undefined;
}

/** Which gradients are wanted. */
export interface GradientRequest {
  /** Layers, from 1. */
  readonly layers: readonly number[];
  /** Means of the squares too. */
  readonly square: boolean;
  /** Given those of each batch by itself, batch after batch; they live until it returns. */
  each?(layer: number, gradients: ByProjection): Promise<void>;
}

/** One batch on its way back through the layers. */
interface Walk {
  readonly extent: Extent;
  /** The stream before each layer from the first wanted one on, and after the last. */
  readonly states: tf.Tensor2D[];
  /** Gradient of the loss by the last of `states` once that is taken. */
  dy: tf.Tensor2D;
}

/**
 * Calls `visit` for each of the layers, the last first; the gradients live until it returns. The loss of a batch is the sum of
 * its tokens' losses times their weights. A model with recovery parameters is the caller's mistake.
 */
export async function visitMlpGradients(
  model: Model,
  batches: readonly Batch[],
  request: GradientRequest,
  visit: (layer: number, gradients: MlpGradients) => Promise<void>,
): Promise<void> {
  const { layers } = request;
  const first = Math.min(...layers);
  const walks = batches.map((batch) => walkForward(model, batch, first));
  for (let layer = model.config.num_hidden_layers; layer >= first; layer--) {
    if (!layers.includes(layer)) {
      for (const walk of walks) stepBack(model, layer, walk, []);
      continue;
    }
    const gradients = await layerGradients(model, layer, walks, request);
    await visit(layer, gradients);
    tf.dispose([...Object.values(gradients.mean), ...Object.values(gradients.square ?? {})]);
    await new Promise((resolve) => setImmediate(resolve)); // the backend blocks: lets a message of the runner in
  }
  for (const { dy } of walks) dy.dispose();
}

function walkForward(model: Model, batch: Batch, first: number): Walk {
  const { batch: sequences, tokens } = batch.extent;
  const states: tf.Tensor2D[] = [];
  let h = tf.tidy(() => embed(model, tf.tensor2d(batch.ids, [sequences, tokens], 'int32')));
  for (let layer = 1; layer <= model.config.num_hidden_layers; layer++) {
    const before = h;
    h = tf.tidy(() => runBlock(model, layer, before, batch.extent).h);
    flush();
    if (layer >= first) states.push(before);
    else before.dispose();
  }
  const loss = (state: tf.Tensor) =>
    tf.sum(tf.mul(nllOfStates(model, batch, state as tf.Tensor2D), tf.tensor1d(batch.weights, 'float32')));
  const dy = tf.tidy(() => tf.grad(loss)(h)) as tf.Tensor2D;
  flush();
  h.dispose();
  return { extent: batch.extent, states, dy };
}

/** Moves `walk` before `layer` and returns the gradients by `weights`, which belong to that layer. */
function stepBack(model: Model, layer: number, walk: Walk, weights: tf.Tensor[]): tf.Tensor2D[] {
  const x = walk.states.pop() as tf.Tensor2D;
  const output = (state: tf.Tensor) => runBlock(model, layer, state as tf.Tensor2D, walk.extent).h;
  const [dx, ...gradients] = tf.tidy(() => tf.grads(output)([x, ...weights], walk.dy)) as tf.Tensor2D[];
  flush();
  tf.dispose([x, walk.dy]);
  walk.dy = dx as tf.Tensor2D;
  return gradients;
}

async function layerGradients(
  model: Model,
  layer: number,
  walks: readonly Walk[],
  { square, each }: GradientRequest,
): Promise<MlpGradients> {
  const weights = projections.map((projection) => model.weights.get(tensorName(model.config, layer, projection)));
  const means: (tf.Tensor2D | undefined)[] = [];
  const squares: (tf.Tensor2D | undefined)[] = [];
  for (const walk of walks) {
    const own = stepBack(model, layer, walk, weights);
    await each?.(layer, byProjection(own));
    own.forEach((gradient, i) => {
      if (square) squares[i] = addTo(squares[i], () => tf.square(gradient), 1 / walks.length);
      means[i] = addTo(means[i], () => gradient, 1 / walks.length);
      gradient.dispose();
    });
  }
  return { mean: byProjection(means), square: square ? byProjection(squares) : undefined };
}

/** sum + weight * term, computed at once; `sum` is freed. */
function addTo(sum: tf.Tensor2D | undefined, term: () => tf.Tensor2D, weight: number): tf.Tensor2D {
  const added = tf.tidy(() => {
    const share = tf.mul<tf.Tensor2D>(term(), weight);
    return sum ? tf.add<tf.Tensor2D>(sum, share) : share;
  });
  flush();
  sum?.dispose();
  return added;
}

function byProjection(tensors: readonly (tf.Tensor2D | undefined)[]): ByProjection {
  return Object.fromEntries(projections.map((projection, i) => [projection, tensors[i]])) as ByProjection;
}
