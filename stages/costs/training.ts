// What stages take that train, and the activations that they train on.
import type { ActivationsFacts, CheckpointFacts, ExitFacts } from '../../contract/facts.ts';
import type { Cost, CostInput, CostQuery, Unit } from '../../contract/stage.ts';
import { parseExits } from '../../model/exits/exit-layers.ts';
import { matrixParameters } from '../../model/methods/registry.ts';
import {
  forwardFlops,
  forwardMemory,
  frozenMemory,
  type ModelShape,
  mlpParameters,
  modelParameters,
  pretrainFlops,
  type SlwSize,
  sftFlops,
  sftMemory,
  shapeOfFacts,
  slwWork,
  type Text,
  type Work,
  walkMemory,
} from '../../model/sizes/costs.ts';
import { windowBytes } from '../../model/train/slw-columns.ts';
import { copying, float, smallFile } from './copying.ts';
import { activationBytes, assumedLength, longestOf, recordsOf, recoveryOf, walkOf } from './inputs.ts';

/** capture-activations and hidden-states: one forward pass up to the deepest layer that is wanted, whatever the number of layers. */
export function captureCost(query: CostQuery): Cost | undefined {
  const { params, units, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const data = recordsOf(inputs.data, params, query);
  if (shape === undefined || data === undefined) return undefined;
  const text = { tokens: data.records * data.length, length: data.length };
  const deepest = Math.max(0, ...units.map((unit) => Number(unit.params.layer)));
  return {
    flops: forwardFlops(shape, text, deepest, false),
    memory_bytes: walkMemory(shape, walkOf(params, text.tokens, longestOf(inputs.data, params))),
    written_bytes: units.length * text.tokens * activationBytes(params, shape.hidden_size),
    assumed: data.assumed,
  };
}

interface SlwQuery {
  readonly units: readonly Unit<Omit<SlwSize, 'tokens'>>[];
  readonly inputs: {
    readonly model?: CostInput<CheckpointFacts> | undefined;
    readonly activations?: CostInput<ActivationsFacts> | undefined;
  };
}

/** slw: one pair; the tokens are those that the captured file holds. */
export function slwCost({ units, inputs }: SlwQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  const activations = inputs.activations;
  const size = units[0]?.params;
  if (shape === undefined || activations?.size_bytes === undefined || size === undefined) return undefined;
  const tokens = activations.size_bytes / activationBytes(activations.facts, shape.hidden_size);
  const { hidden_size: d, intermediate_size: f } = shape;
  const passes = float * tokens * d <= windowBytes ? 1 : size.epochs;
  return {
    ...slwWork(shape, { ...size, tokens }),
    read_bytes: 2 * mlpParameters(shape) * shape.stored_bytes + activations.size_bytes * passes,
    written_bytes: smallFile + float * 3 * matrixParameters(size.candidate, d, f, size.rank),
  };
}

/** sft: all recovery parameters over the records, `epochs` times or for `max_steps`. */
export function sftCost(query: CostQuery): Cost | undefined {
  const { params, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const data = recordsOf(inputs.data, params, query);
  const recovery = recoveryOf(inputs.recovery);
  if (shape === undefined || data === undefined || recovery === undefined) return undefined;
  const most = Number(params.max_steps ?? Number.POSITIVE_INFINITY) * Number(params.batch_size);
  const tokens = Math.min(data.records * Number(params.epochs), most) * data.length;
  const sequences = Math.min(Number(params.micro_batch), Number(params.batch_size), data.records);
  const recomputes = params.gradient_checkpointing === true;
  const exits = typeof params.exits === 'string' ? parseExits(params.exits, "'exits'").length : 0;
  const batch = { sequences, length: longestOf(inputs.data, params), recomputes, exits };
  const taught = teacherWork(shapeOfFacts(inputs.teacher?.facts), { tokens, length: data.length }, batch);
  return {
    flops: sftFlops(shape, { tokens, length: data.length }, recovery, recomputes, exits) + taught.flops,
    memory_bytes: sftMemory(shape, recovery, batch, frozenMemory(shape)) + taught.memory_bytes,
    written_bytes: smallFile + float * recovery.parameters,
    assumed: data.assumed,
  };
}

/** A teacher's forward passes: its weights, what its head sees of a batch, and its logits and probabilities beside the model's. */
function teacherWork(
  shape: ModelShape | undefined,
  text: Text,
  batch: { readonly sequences: number; readonly length: number },
): Work {
  if (shape === undefined) return { flops: 0, memory_bytes: 0 };
  const tokens = batch.sequences * batch.length;
  const held = float * tokens * (shape.hidden_size + 2 * shape.vocab_size);
  return { flops: forwardFlops(shape, text), memory_bytes: frozenMemory(shape) + held };
}

/** train-exit-classifier: the frozen model's forward pass with the head after each exit, and a product with one row of numbers and its gradients. */
export function exitClassifierCost(query: CostQuery): Cost | undefined {
  const { params, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const data = recordsOf(inputs.data, params, query);
  const recovery = recoveryOf(inputs.recovery);
  const exits = (inputs.exit?.facts as ExitFacts | undefined)?.exits?.length;
  if (shape === undefined || data === undefined || recovery === undefined || exits === undefined) return undefined;
  const { hidden_size: d, vocab_size } = shape;
  const most = Number(params.max_steps ?? Number.POSITIVE_INFINITY) * Number(params.batch_size);
  const tokens = Math.min(data.records * Number(params.epochs), most) * data.length;
  const length = Number(params.max_length);
  const together = Math.min(Number(params.batch_size), data.records);
  const sequences = Math.min(Number(params.micro_batch), together);
  // the states of a whole step wait for its classifier, those of a micro batch are there once more
  const states = float * (together + sequences) * length * (exits + 1) * d;
  const each = exits * (2 * d * vocab_size + 6 * d) + 2 * recovery.parameters;
  return {
    flops: forwardFlops(shape, { tokens, length: data.length }) + tokens * each,
    memory_bytes: forwardMemory(shape, { sequences, length }, { parameters: recovery.parameters }) + states,
    written_bytes: smallFile + float * exits * (d + 1),
    assumed: data.assumed,
  };
}

/** pretrain: all weights, for `steps` steps; what Adam keeps takes the place of gradients in an sft. */
export function pretrainCost({ params, inputs, facts, record_tokens }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(facts);
  if (shape === undefined) return undefined;
  const length = Math.min(record_tokens, Number(params.max_length));
  const tokens = Number(params.steps) * Number(params.batch_size) * length;
  const recomputes = params.gradient_checkpointing === true;
  const batch = { sequences: Number(params.batch_size), length: longestOf(inputs.data, params), recomputes };
  return {
    flops: pretrainFlops(shape, { tokens, length }, recomputes),
    memory_bytes: sftMemory(shape, { parameters: modelParameters(shape), first_layer: 1 }, batch),
    written_bytes: float * modelParameters(shape),
    assumed: [assumedLength(record_tokens)],
  };
}

/** train-tokenizer: its time is counting pairs on the processor, which is not estimated. */
export function tokenizerCost({ inputs }: CostQuery): Cost {
  return copying(inputs.data?.size_bytes, 2 ** 20);
}
