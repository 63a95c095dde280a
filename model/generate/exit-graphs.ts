// The parts of a step that may end early: the layers between two exits, the head after one of them, and what skipped layers keep.
//
// B rows (texts), D hidden, V vocabulary, K key/value heads, hd head size.

import { createReplays, type ReplayInput } from '../../tensor/backend/replay.ts';
import { boundary } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { type Heads, keeping } from '../forward/attend.ts';
import { carriedHeads, embed, finalNorm, head, runStep } from '../forward/forward.ts';
import { type KvCache, type LayerCache, layersOf } from '../forward/kv-cache.ts';
import { attendingLayers } from '../forward/layer-weights.ts';
import type { Model } from '../forward/model.ts';
import type { RopeTables } from '../forward/rope.ts';
import { layerSteps } from '../sharing/parallel-layers.ts';
import { keysAndValues, stepAttend, stepInputs, withFewRows } from './step-graph.ts';

/** What a segment makes of its rows. */
export interface SegmentOutputs {
  /** [B, D], after its last layer. */
  readonly states: Float32Array;
  /** [B, V], as if the model ended there; undefined where they were not asked for. */
  readonly logits: Float32Array | undefined;
  /** By layer of it that attends, [B, K, 1, hd] each. */
  readonly found: readonly LayerCache[];
}

/** The steps of a model cut into segments: each ends after an exit, the last one after the last layer. */
export interface ExitGraphs {
  /** The last layer (from 1) of each segment. */
  readonly ends: readonly number[];
  /** Segment `index` of what came out of the one before it: token ids [B] of the first, states [B, D] of the others. */
  run(index: number, given: Int32Array | Float32Array, place: StepPlace): Promise<SegmentOutputs>;
  /** Logits [B, V] of states [B, D] after any layer. */
  logits(states: Float32Array, rows: number): Promise<Float32Array>;
  /** What the layers above segment `index` that attend keep of states [B, D]. */
  carry(index: number, states: Float32Array, place: StepPlace): Promise<LayerCache[]>;
}

/** Where the tokens of a step stand, and what is kept of those before them. */
export interface StepPlace {
  readonly cache: KvCache;
  readonly rope: RopeTables;
}

/** The graphs of `model` for exits after the layers `exits`; `withLogits` says of which segments the logits are made with them. */
export function createExitGraphs(
  model: Model,
  exits: readonly number[],
  withLogits: (end: number) => boolean,
): ExitGraphs {
  const fast = withFewRows(model);
  const { num_hidden_layers: depth, hidden_size: width, sliding_window: window } = model.config;
  const ends = [...exits, depth];
  const steps = layerSteps(depth, model.recovery?.parallel);
  const attending = attendingLayers(model);
  /** Of a segment: its steps, and which layers of it attend. */
  const segments = ends.map((end, i) => {
    const inside = (layer: number) => layer > (ends[i - 1] ?? 0) && layer <= end;
    return { steps: steps.filter(([layer]) => inside(layer as number)), attending: attending.filter(inside) };
  });
  const slotsOf = (layers: readonly number[], { cache }: StepPlace) =>
    layers.map((layer) => cache.layers[attending.indexOf(layer)] as LayerCache);

  const segmentGraph = (index: number) => (inputs: tf.Tensor[]) => {
    const segment = segments[index] as (typeof segments)[number];
    const seen: Heads[] = [];
    const attend = keeping(stepAttend(model, segment.attending, inputs), seen);
    const start = inputs[0] as tf.Tensor2D;
    let h = index === 0 ? boundary(embed(fast, start)) : start;
    const extent = { batch: start.shape[0], tokens: 1 };
    for (const step of segment.steps) h = boundary(runStep(fast, step, h, extent, attend));
    // layers that skip both of their sublayers hand on what they were given, and a graph gives out only what it computes
    const states = h === start ? tf.add(h, tf.scalar(0)) : h;
    const made = withLogits(ends[index] as number) ? [head(fast, finalNorm(fast, h))] : [];
    return [states, ...made, ...keysAndValues(seen)];
  };
  const carryGraph = (index: number) => (inputs: tf.Tensor[]) => {
    const states = inputs[0] as tf.Tensor2D;
    const attend = stepAttend(model, [], inputs);
    const extent = { batch: states.shape[0], tokens: 1 };
    const above = attending.filter((layer) => layer > (ends[index] as number));
    return keysAndValues(above.map((layer) => carriedHeads(fast, layer, states, extent, attend)));
  };
  const segmentReplays = createReplays((index) => segmentGraph(index as number));
  const carryReplays = createReplays((index) => carryGraph(index as number));
  const headReplays = createReplays(() => ([states]) => [head(fast, finalNorm(fast, states as tf.Tensor2D))]);

  return {
    ends,
    async run(index, given, place) {
      const { rows } = place.cache;
      const input: ReplayInput = { data: given, shape: index === 0 ? [rows, 1] : [rows, width] };
      const layers = slotsOf(segments[index]?.attending ?? [], place);
      const made = await segmentReplays(index, rows)(stepInputs(place.cache, input, place.rope, window, layers));
      const [states, ...rest] = made as [Float32Array, ...Float32Array[]];
      const logits = withLogits(ends[index] as number) ? (rest.shift() as Float32Array) : undefined;
      return { states, logits, found: layersOf(rest) };
    },
    async logits(states, rows) {
      const [logits] = await headReplays(rows)([{ data: states, shape: [rows, width] }]);
      return logits as Float32Array;
    },
    async carry(index, states, place) {
      if (!attending.some((layer) => layer > (ends[index] as number))) return [];
      const { rows } = place.cache;
      const input: ReplayInput = { data: states, shape: [rows, width] };
      const made = await carryReplays(index, rows)(stepInputs(place.cache, input, place.rope, window, []));
      return layersOf(made as Float32Array[]);
    },
  };
}
