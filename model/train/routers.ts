// Routers of MLPs that are cut into experts, fitted to which experts serve a token best (FactorLLM, arXiv 2408.11855; zhenwuweihe/FactorLLM@8094dc4).
//
// R rows (tokens that count), D hidden, F MLP width, E experts.
import { chosenExperts, spreadFactors } from '../../tensor/experts.ts';
import { gatherRows, swiglu } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { type Batch, type Example, paddingFor, scaleWeights } from '../forward/batches.ts';
import { embed, runBlock } from '../forward/forward.ts';
import { layerWeights } from '../forward/layer-weights.ts';
import { nllOfStates } from '../forward/loss.ts';
import type { Model } from '../forward/model.ts';
import { type Routed, routerName } from '../sharing/routing.ts';
import { type MicroBatchSettings, microBatches } from './micro-batches.ts';
import type { AdamSettings } from './optimizer.ts';
import { learningRate, type ScheduleSettings } from './schedule.ts';
import { type TrainTask, train } from './train.ts';

/** What a router is judged by, beside the loss of the text, which no router has a slope in: the choice is hard. */
export interface RouterTerms {
  /** Of the divergence of its choice from the experts that are nearest to the whole MLP. */
  readonly router_weight: number;
  /** Of what it gives to the experts that it chooses. */
  readonly balance_weight: number;
}

export interface RouterSettings extends RouterTerms, MicroBatchSettings, ScheduleSettings, AdamSettings {}

/** A micro batch as the routers see it. */
export interface RouterBatch {
  /** Weights [R] of the tokens, whose sum is the batch's share of its step. */
  readonly weights: Float32Array;
  /** The negative log-likelihood of the text, weighted likewise. */
  readonly text: number;
  /** By layer: what its MLP sees [R, D], and 1 at the experts that are nearest to the whole of it, [R, E]. */
  readonly layers: ReadonlyMap<number, { readonly x: Float32Array; readonly nearest: Float32Array }>;
}

/** Trains the routers of `model` in place; returns the loss of every step. */
export async function trainRouters(
  model: Model,
  examples: readonly Example[],
  settings: RouterSettings,
  run: Pick<TrainTask<RouterBatch>, 'save' | 'onProgress'> = {},
): Promise<{ losses: number[] }> {
  const routing = routingOf(model);
  const { steps, of } = microBatches(examples, settings, paddingFor(model.config));
  return train<RouterBatch>({
    variables: routing.routers,
    steps,
    adam: settings,
    learningRate: (step) => learningRate(settings, step, steps),
    async batches(step) {
      const batches = of(step);
      const tokens = batches.reduce((sum, { count }) => sum + count, 0);
      const made: RouterBatch[] = [];
      for (const batch of batches) made.push(await routerBatch(model, scaleWeights(batch, 1 / tokens)));
      return made;
    },
    loss: (batch) => routerLoss(routing, settings, batch),
    ...run,
  });
}

/** `batch` as the routers of `model` see it now: a router decides what those of later layers see. */
export async function routerBatch(model: Model, batch: Batch): Promise<RouterBatch> {
  const routing = routingOf(model);
  const layers = new Map<number, { x: Float32Array; nearest: Float32Array }>();
  const { batch: texts, tokens } = batch.extent;
  let h = tf.tidy(() => embed(model, tf.tensor2d(batch.ids, [texts, tokens], 'int32')));
  for (let layer = 1; layer <= model.config.num_hidden_layers; layer++) {
    const before = h;
    const [after, ...seen] = tf.tidy(() => {
      const made = runBlock(model, layer, before, batch.extent);
      return routing.layers.includes(layer)
        ? [made.h, ...nearestExperts(model, layer, rowsOf(batch, made.mlpInput))]
        : [made.h];
    }) as [tf.Tensor2D, tf.Tensor?, tf.Tensor?];
    const [x, nearest] = (await Promise.all(seen.map((tensor) => tensor?.data()))) as Float32Array[];
    if (x !== undefined && nearest !== undefined) layers.set(layer, { x, nearest });
    tf.dispose([before, ...seen] as tf.Tensor[]);
    h = after;
  }
  const text = tf.tidy(() => tf.sum(tf.mul(nllOfStates(model, batch, h), tf.tensor1d(batch.weights, 'float32'))));
  const [value] = await text.data();
  tf.dispose([h, text]);
  return { weights: batch.weights, text: value as number, layers };
}

/** x [R, D] of a layer, and which of its experts e have the least mean squared error of E_e(x) against F(x) active / E, F the whole MLP. */
function nearestExperts(model: Model, layer: number, x: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] {
  const { experts, active } = routingOf(model);
  const { linear } = layerWeights(model, layer);
  const hidden = swiglu(linear('gate', x), linear('up', x));
  const share = tf.mul(linear('down', hidden), active / experts);
  const rows = x.shape[0];
  const errors = Array.from({ length: experts }, (_, e) => {
    const alone = tf.tile(tf.oneHot(tf.tensor1d([e], 'int32'), experts).toFloat(), [rows, 1]);
    return tf.mean(tf.square(tf.sub(linear('down', spreadFactors(hidden, alone)), share)), 1);
  });
  return [x, chosenExperts(tf.neg(tf.stack(errors, 1)), active)];
}

/**
 * The text's loss + router_weight sum_l KL(softmax(g_l) || softmax(n_l)) + balance_weight sum_l mean_e(c_le softmax(g_l)_e): g_l the router's scores, n_l and
 * c_l 1 at the nearest and at the chosen experts. Each is a mean over tokens. Weights of 0 are the released code's loss, which teaches nothing.
 */
export function routerLoss(
  { experts, active, routers }: Pick<Routed<tf.Tensor>, 'experts' | 'active' | 'routers'>,
  { router_weight, balance_weight }: RouterTerms,
  { weights, text, layers }: RouterBatch,
): tf.Scalar {
  const rows = weights.length;
  const of = tf.tensor1d(weights, 'float32');
  let loss: tf.Scalar = tf.scalar(text);
  for (const [layer, { x, nearest }] of layers) {
    const tensor = (name: 'weight' | 'bias') => routers.get(routerName(layer, name)) as tf.Tensor;
    const scores = tf.add(
      tf.matMul(tf.tensor2d(x, [rows, x.length / rows]), tensor('weight'), false, true),
      tensor('bias'),
    );
    const logs = tf.logSoftmax(scores) as tf.Tensor2D;
    const shares = tf.exp(logs);
    const wanted = tf.logSoftmax(tf.tensor2d(nearest, [rows, experts]));
    const divergence = tf.sum(tf.mul(shares, tf.sub(logs, wanted)), 1);
    const balance = tf.mean(tf.mul(chosenExperts(scores, active), shares), 1);
    const terms = tf.add(tf.mul(divergence, router_weight), tf.mul(balance, balance_weight));
    loss = tf.add(loss, tf.sum(tf.mul(terms, of)));
  }
  return loss;
}

function rowsOf({ rows }: Batch, states: tf.Tensor2D): tf.Tensor2D {
  return rows === null ? tf.clone(states) : (gatherRows(states, tf.tensor1d(rows, 'int32')) as tf.Tensor2D);
}

function routingOf({ recovery }: Model): Routed<tf.Variable> {
  const { routing, parallel } = recovery ?? {};
  if (routing === undefined) {
    throw new UserError("there are no routers to train: expected a recovery of stage 'split-experts'");
  }
  if (parallel === undefined) return routing;
  throw new UserError(
    `layers ${parallel.first}-${parallel.last} run side by side: expected the routers to be trained before 'parallel-layers'`,
  );
}
