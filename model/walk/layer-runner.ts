// One layer, or a pair of layers side by side, over one passage, arrays in and arrays out: recorded once for each kind of layer and shape, replayed for all others.
//
// B rows, T tokens, N = B*T, D hidden.
import { createReplay, type Replay, type ReplayInput } from '../../tensor/backend/replay.ts';
import type { tf } from '../../tensor/tf.ts';
import { hasRope, windowOf } from '../architecture/model-config.ts';
import { createWeights } from '../architecture/weights.ts';
import type { BlockOutputs } from '../forward/block.ts';
import { runBlock, runStep } from '../forward/forward.ts';
import { roundingOf } from '../forward/linear.ts';
import { createModel, type Model } from '../forward/model.ts';
import type { Recovery } from '../sharing/recovery.ts';
import type { LayerArrays } from './layer-arrays.ts';
import type { Passage } from './passage.ts';
import { isRounded, type StoredModel } from './stored-model.ts';

/** What else is computed of a layer, from h [N, D] before it and what it makes of it; a pair of layers has no such place. */
export type Look = (h: tf.Tensor2D, made: BlockOutputs<tf.Tensor2D>) => tf.Tensor[];

/** h [N, D] through a layer or a pair: h after it, then what the look has made. */
export type LayerRunner = (step: readonly LayerArrays[], h: Float32Array, passage: Passage) => Promise<Float32Array[]>;

/** Runs layers of `model`; its recordings are kept for its life. */
export function createLayerRunner(model: StoredModel, look?: Look): LayerRunner {
  const known = new Map<string, Replay>();
  const width = model.checkpoint.config.hidden_size;
  return async (step, h, passage) => {
    const { extent, view } = passage;
    const seen = view.inputs();
    const key = `${extent.batch} ${extent.tokens} ${view.kind} ${kindOf(model, step)}`;
    const replay = known.get(key) ?? createReplay(recording(model, step, passage, seen.length, look));
    known.set(key, replay);
    const states: ReplayInput = { data: h, shape: [h.length / width, width] };
    return (await replay([states, ...seen, ...inputsOf(step)])) as Float32Array[];
  };
}

/** The arrays of a step, each once: of two layers of one block, both have the same. */
function inputsOf(step: readonly LayerArrays[]): ReplayInput[] {
  return [...new Set(step.flatMap(({ tensors, parameters }) => [...tensors.values(), ...parameters.values()]))];
}

/** Equal for steps that compute the same with other numbers: then they are one recording. */
function kindOf(model: StoredModel, step: readonly LayerArrays[]): string {
  const [first, beside] = step as [LayerArrays, LayerArrays?];
  if (beside === undefined) return JSON.stringify(layerKind(model, first));
  const inputs = inputsOf(step);
  const places = step.map(({ tensors, parameters }) =>
    [...tensors.values(), ...parameters.values()].map((input) => inputs.indexOf(input)),
  );
  return JSON.stringify([step.map((arrays) => layerKind(model, arrays)), places]);
}

function layerKind({ checkpoint, recovery }: StoredModel, { layer, tensors, parameters }: LayerArrays): unknown[] {
  const { config, quantization } = checkpoint;
  const replaced = (recovery?.replacements ?? [])
    .filter(({ target }) => target === layer)
    .map(({ reference, candidate, rank, roles }) => [reference === null, candidate, rank, roles]);
  const shapes = [...tensors].map(([name, { shape }]) => [shape, isRounded(quantization, name)]);
  const ofParameters = [...parameters.values()].map(({ shape }) => shape);
  return [hasRope(config, layer), windowOf(config, layer), replaced, shapes, ofParameters, routingOf(recovery, layer)];
}

/** What of the routing is in a recording: routers are inputs. */
function routingOf(recovery: Recovery | undefined, layer: number): unknown {
  const routing = recovery?.routing;
  return routing?.layers.includes(layer) ? [routing.experts, routing.active] : null;
}

/** The computation over h, what the tokens see, the tensors of the step and its recovery parameters. */
function recording(
  model: StoredModel,
  step: readonly LayerArrays[],
  { extent, view }: Passage,
  seen: number,
  look: Look | undefined,
) {
  return ([h, ...given]: tf.Tensor[]): tf.Tensor[] => {
    const [sight, values] = [given.slice(0, seen), given.slice(seen)];
    const lent = modelOf(model, step, values);
    const layers = step.map(({ layer }) => layer);
    const attend = view.attend(sight);
    if (look === undefined) return [runStep(lent, layers, h as tf.Tensor2D, extent, attend)];
    const [layer, beside] = layers as [number, number?];
    if (beside !== undefined)
      throw new Error(`layers ${layers.join(' and ')} run side by side: there is no look at one`);
    const made = runBlock(lent, layer, h as tf.Tensor2D, extent, attend);
    return [made.h, ...look(h as tf.Tensor2D, made)];
  };
}

/** A model that has the tensors of one step, the inputs of a recording. */
function modelOf(
  { checkpoint, recovery }: StoredModel,
  step: readonly LayerArrays[],
  values: readonly tf.Tensor[],
): Model {
  const { config, quantization } = checkpoint;
  const inputs = inputsOf(step);
  const given = (input: ReplayInput) => values[inputs.indexOf(input)] as tf.Tensor;
  const all = step.flatMap(({ tensors, parameters }) => [...tensors, ...parameters]);
  const named = new Map(all.map(([name, input]) => [name, given(input)]));
  // a forward pass only looks parameters up, which a tensor serves as well as a variable
  const lent = named as unknown as Recovery['parameters'];
  const weights = createWeights(config, named, roundingOf(quantization));
  const routing = recovery?.routing && { ...recovery.routing, routers: lent };
  return { ...createModel(weights, recovery && { ...recovery, parameters: lent, routing }), routes: true };
}
