// One layer over one passage, arrays in and arrays out: recorded once for each kind of layer and shape, replayed for all others.
//
// B rows, T tokens, N = B*T, D hidden.
import { createReplay, type Replay, type ReplayInput } from '../../tensor/backend/replay.ts';
import type { tf } from '../../tensor/tf.ts';
import { hasRope, windowOf } from '../architecture/model-config.ts';
import { createWeights } from '../architecture/weights.ts';
import type { BlockOutputs } from '../forward/block.ts';
import { runBlock } from '../forward/forward.ts';
import { roundingOf } from '../forward/linear.ts';
import { createModel, type Model } from '../forward/model.ts';
import type { Recovery } from '../sharing/recovery.ts';
import type { LayerArrays } from './layer-arrays.ts';
import type { Passage } from './passage.ts';
import { isRounded, type StoredModel } from './stored-model.ts';

/** What else is computed of a layer, from h [N, D] before it and what it makes of it. */
export type Look = (h: tf.Tensor2D, made: BlockOutputs<tf.Tensor2D>) => tf.Tensor[];

/** h [N, D] through a layer: h after it, then what the look has made. */
export type LayerRunner = (arrays: LayerArrays, h: Float32Array, passage: Passage) => Promise<Float32Array[]>;

/** Runs layers of `model`; its recordings are kept for its life. */
export function createLayerRunner(model: StoredModel, look: Look = () => []): LayerRunner {
  const known = new Map<string, Replay>();
  const width = model.checkpoint.config.hidden_size;
  return async (arrays, h, passage) => {
    const { extent, view } = passage;
    const seen = view.inputs();
    const key = `${extent.batch} ${extent.tokens} ${view.kind} ${kindOf(model, arrays)}`;
    const replay = known.get(key) ?? createReplay(recording(model, arrays, passage, seen.length, look));
    known.set(key, replay);
    const states: ReplayInput = { data: h, shape: [h.length / width, width] };
    return (await replay([
      states,
      ...seen,
      ...arrays.tensors.values(),
      ...arrays.parameters.values(),
    ])) as Float32Array[];
  };
}

/** Equal for layers that compute the same with other numbers: then they are one recording. */
function kindOf({ checkpoint, recovery }: StoredModel, { layer, tensors, parameters }: LayerArrays): string {
  const { config, quantization } = checkpoint;
  const replaced = (recovery?.replacements ?? [])
    .filter(({ target }) => target === layer)
    .map(({ reference, candidate, rank, roles }) => [reference === null, candidate, rank, roles]);
  const shapes = [...tensors].map(([name, { shape }]) => [shape, isRounded(quantization, name)]);
  const ofParameters = [...parameters.values()].map(({ shape }) => shape);
  return JSON.stringify([hasRope(config, layer), windowOf(config, layer), replaced, shapes, ofParameters]);
}

/** The computation over h, what the tokens see, the layer's tensors and its recovery parameters. */
function recording(model: StoredModel, arrays: LayerArrays, { extent, view }: Passage, seen: number, look: Look) {
  return ([h, ...given]: tf.Tensor[]): tf.Tensor[] => {
    const [sight, values] = [given.slice(0, seen), given.slice(seen)];
    const lent = modelOf(model, arrays, values);
    const made = runBlock(lent, arrays.layer, h as tf.Tensor2D, extent, view.attend(sight));
    return [made.h, ...look(h as tf.Tensor2D, made)];
  };
}

/** A model that has one layer's tensors, the inputs of a recording. */
function modelOf({ checkpoint, recovery }: StoredModel, arrays: LayerArrays, values: readonly tf.Tensor[]): Model {
  const { config, quantization } = checkpoint;
  const names = [...arrays.tensors.keys(), ...arrays.parameters.keys()];
  const named = new Map(names.map((name, i) => [name, values[i] as tf.Tensor]));
  // a forward pass only looks parameters up, which a tensor serves as well as a variable
  const parameters = named as unknown as Recovery['parameters'];
  const weights = createWeights(config, named, roundingOf(quantization));
  return createModel(weights, recovery && { replacements: recovery.replacements, parameters });
}
