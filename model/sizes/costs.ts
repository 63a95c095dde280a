// What work costs before it is done: operations and bytes by arithmetic on shapes alone, for planning without weights.
//
// D hidden, F MLP width, Q width of all queries (H*hd), K width of all keys (K*hd), H heads, V vocabulary, L layers, r rank,
// T tokens of a sequence. A multiply-add counts as two operations; norms, RoPE and softmax are left out (below 1 %).
import type { Facts } from '../../contract/stage.ts';
import { arenaBytes } from '../../tensor/backend/bounds.ts';
import type { TensorSizes } from '../architecture/model-config.ts';
import { projections } from '../architecture/roles.ts';
import { kindOf, layerTensors, parametersOf, type TensorKind, tensorSpecs } from '../architecture/tensors.ts';
import { headRows } from '../forward/bounds.ts';
import { takesKnown } from '../methods/known.ts';
import { matrixParameters, methodNamed } from '../methods/registry.ts';
import {
  type FrozenName,
  frozenColumns,
  keptLimits,
  placesOf,
  type SlwForm,
  windowBytes,
} from '../train/slw-columns.ts';
import { blockNumbers, blockRows, stateBytes } from '../walk/bounds.ts';

/** The sizes of a model that decide what it costs: those of its tensors, and what follows from them. */
export interface ModelShape {
  readonly sizes: TensorSizes;
  readonly layers: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly vocab_size: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly tied: boolean;
  /** Bytes of one weight in the checkpoint; in memory it has 4, but where a model is frozen (`frozenMemory`). */
  readonly stored_bytes: number;
}

/** What one attempt takes. */
export interface Work {
  readonly flops: number;
  /** Weights, optimizer and intermediate values at once. */
  readonly memory_bytes: number;
}

/** Bytes of a number while it is computed with: everything is float32. */
const float = 4;
/** A trained number, its gradient and Adam's two moments. */
const trained = 4 * float;
/** A number that SLW fits: itself and two moments before a step and after it, and its gradient. */
const fitted = 7 * float;

/** A process with TensorFlow.js, ONNX Runtime and a tokenizer before it computes. Measured as model/README.md says, like the next two. */
const engineBytes = 170e6;
/** What a process takes for a byte of values that come and go: those of other lengths do not fit where these were, and the C library keeps the gaps. */
const spread = 1.7;
/** Shapes of which an arena is kept, where they are small. */
const arenas = 4;

/** Peak memory of a process that keeps `kept` bytes all along, and of whose other values `alive` bytes exist at once, in batches of many shapes. */
export function residentMemory(kept: number, alive: number): number {
  return engineBytes + kept + spread * alive + Math.min(arenaBytes, arenas * alive);
}

/** The shape that a model's facts give; undefined while they are unknown. Without facts about heads: 128 wide, no groups. */
export function shapeOfFacts(facts: Facts | undefined): ModelShape | undefined {
  const number = (name: string): number | undefined => (typeof facts?.[name] === 'number' ? facts[name] : undefined);
  const layers = number('layers');
  const hidden_size = number('hidden_size');
  const intermediate_size = number('intermediate_size');
  if (layers === undefined || hidden_size === undefined || intermediate_size === undefined) return undefined;
  const heads = number('heads') ?? Math.max(1, Math.round(hidden_size / 128));
  const head_dim = number('head_dim') ?? hidden_size / heads;
  const groups = number('kv_heads') ?? heads;
  const tied = facts?.tied === true;
  const shared = { hidden_size, intermediate_size, vocab_size: number('vocab_size') ?? 0 };
  const sizes: TensorSizes = {
    model_type: typeof facts?.model_type === 'string' ? facts.model_type : 'llama',
    ...shared,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: groups,
    head_dim,
    tie_word_embeddings: tied,
    ...(facts?.attention_bias === true && { attention_bias: true }),
  };
  const widths = { heads, queries: heads * head_dim, keys: groups * head_dim };
  return { sizes, layers, ...shared, ...widths, tied, stored_bytes: number('weight_bytes') ?? 2 };
}

/** Parameters of one gated MLP, 3 D F: 135,266,304 for Llama-2-7b. */
export function mlpParameters({ sizes }: Pick<ModelShape, 'sizes'>): number {
  return layerParameters(sizes, 'mlp');
}

/** Parameters of one layer's attention, 2 D Q + 2 D K in a Llama: 67,108,864 for Llama-2-7b. */
export function attentionParameters({ sizes }: Pick<ModelShape, 'sizes'>): number {
  return layerParameters(sizes, 'attention');
}

/** Parameters of the whole model, norms included: 6,738,415,616 for Llama-2-7b. */
export function modelParameters({ sizes, layers }: Pick<ModelShape, 'sizes' | 'layers'>): number {
  const outer = parametersOf(tensorSpecs({ ...sizes, num_hidden_layers: 0 }));
  return outer + layers * parametersOf(layerTensors(sizes, 1));
}

function layerParameters(sizes: TensorSizes, kind: TensorKind): number {
  return parametersOf(layerTensors(sizes, 1).filter(({ role }) => kindOf(role) === kind));
}

/** Tokens in sequences of `length` (their mean, padding not counted). */
export interface Text {
  readonly tokens: number;
  readonly length: number;
}

/** Operations of a forward pass of `layers` layers: 2 per parameter and token, 4 T Q for the two products of attention. */
export function forwardFlops(shape: ModelShape, { tokens, length }: Text, layers = shape.layers, head = true): number {
  const layer = 2 * (attentionParameters(shape) + mlpParameters(shape)) + attentionFlops(shape, length);
  return tokens * (layers * layer + (head ? 2 * shape.hidden_size * shape.vocab_size : 0));
}

/** Scores and values of one token against `length` keys, in one layer; masked ones are computed like the others. */
function attentionFlops({ queries }: ModelShape, length: number): number {
  return 4 * length * queries;
}

/** Recovery parameters of a model that is trained or measured. */
export interface RecoverySize {
  readonly parameters: number;
  /** The lowest layer that has some, from 1: the gradient goes no deeper. */
  readonly first_layer: number;
}

/**
 * Training recovery parameters on the language-model loss. Forward as above; backward the gradient of the activations through
 * the head and the layers above the first that has recovery parameters (the weights are frozen, so theirs is not made), there
 * through `down` alone; and for each recovery parameter its product, its gradient and that of its input. Each of `exits` further losses takes
 * the head forward and back once more.
 */
export function sftFlops(
  shape: ModelShape,
  text: Text,
  { parameters, first_layer }: RecoverySize,
  recomputes = false,
  exits = 0,
): number {
  const { layers, hidden_size: d, intermediate_size: f, vocab_size } = shape;
  const above = layers - first_layer;
  // attention's backward has four products where forward has two
  const backward = forwardFlops(shape, text, above, false) + text.tokens * above * attentionFlops(shape, text.length);
  const again = recomputes ? forwardFlops(shape, text, above + 1, false) : 0;
  const heads = (1 + 2 * exits) * 2 * d * vocab_size;
  return forwardFlops(shape, text) + again + backward + text.tokens * (heads + 2 * d * f + 6 * parameters);
}

/** Training all weights: backward is twice the forward pass, and one more through the layers where it `recomputes`. */
export function pretrainFlops(shape: ModelShape, text: Text, recomputes = false): number {
  return 3 * forwardFlops(shape, text) + (recomputes ? forwardFlops(shape, text, shape.layers, false) : 0);
}

/** Memory of a frozen model's weights: as float32, or 16-bit floats as they are stored with what is widened at once, a layer or the head. */
export function frozenMemory(shape: ModelShape): number {
  const all = modelParameters(shape);
  if (shape.stored_bytes !== 2) return float * all;
  const head = shape.vocab_size * shape.hidden_size;
  return 2 * all + float * Math.max(head, parametersOf(layerTensors(shape.sizes, 1)));
}

/**
 * Peak memory of training recovery parameters: `weights` bytes of the model, what Adam keeps, the values of one micro batch of sequences of
 * `length` tokens that wait for their gradient (where it `recomputes`, the inputs of layers and the values of one), and the values of the layer that is being worked on.
 */
export function sftMemory(
  shape: ModelShape,
  { parameters, first_layer }: RecoverySize,
  batch: {
    readonly sequences: number;
    readonly length: number;
    readonly recomputes?: boolean;
    readonly exits?: number;
  },
  weights = float * modelParameters(shape),
): number {
  const { hidden_size: d, intermediate_size: f, queries, keys, heads, layers } = shape;
  const tokens = batch.sequences * batch.length;
  // inputs of both norms; queries, keys, values, their mixture; the attention weights; gate and up
  const kept = 2 * d + 2 * queries + 2 * keys + heads * batch.length + 2 * f;
  const targets = parameters === 0 ? 0 : d + f; // inputs of A and B, where a layer has them; counted for all layers above
  const above = layers - first_layer + 1;
  const waiting = tokens * (batch.recomputes ? above * d + kept + targets : above * (kept + targets));
  // of each loss its scored states and their gradient; logits of some rows are there for one loss at a time, with their gradient
  const rows = Math.min(tokens, headRows(shape.vocab_size));
  const head = 2 * (rows * shape.vocab_size + tokens * (1 + (batch.exits ?? 0)) * d);
  const alive = float * (waiting + head + layerValues(shape, tokens, batch.length));
  return residentMemory(weights + trained * parameters, alive);
}

/** Peak memory of a forward pass over one batch: float32 weights, one layer's values, logits and their softmax. */
export function forwardMemory(
  shape: ModelShape,
  batch: { readonly sequences: number; readonly length: number },
  more: { readonly parameters?: number; readonly head?: boolean } = {},
): number {
  const tokens = batch.sequences * batch.length;
  const head = more.head === false ? 0 : 2 * tokens * shape.vocab_size;
  const kept = modelParameters(shape) + (more.parameters ?? 0);
  return residentMemory(float * kept, float * (layerValues(shape, tokens, batch.length) + head));
}

/** Texts that a walk takes through the layers. */
export interface WalkText {
  /** Of all texts. */
  readonly tokens: number;
  /** Of the longest text. */
  readonly length: number;
  /** Of a passage of several texts. */
  readonly batch_tokens: number;
}

/**
 * Peak memory of a walk (model/walk): float32 weights of one layer, what recovery parameters there are, the states of the texts that go
 * together and the rows of them that are scored or kept, one passage's values, and of the head a block of words and their logits twice.
 */
export function walkMemory(
  shape: ModelShape,
  { tokens, length, batch_tokens }: WalkText,
  { parameters = 0 }: { readonly parameters?: number } = {},
): number {
  const states = Math.min(stateBytes, tokens * shape.hidden_size * float);
  const layer = parametersOf(layerTensors(shape.sizes, 1));
  const values = layerValues(shape, Math.max(batch_tokens, length), length);
  const block = Math.min(blockNumbers, blockRows * shape.vocab_size);
  return residentMemory(2 * states + float * (layer + parameters), float * (values + 3 * block));
}

/** Numbers that one layer holds at once: residual, norm, queries, keys, values; scores twice; gate, up and their product. */
function layerValues(
  { hidden_size: d, intermediate_size: f, queries, keys, heads }: ModelShape,
  tokens: number,
  length: number,
) {
  return tokens * (3 * d + queries + 2 * keys + 2 * heads * length + 3 * f);
}

/** Fitting one pair on `tokens` rows of activations. */
export interface SlwSize {
  readonly tokens: number;
  readonly epochs: number;
  readonly batch_tokens: number;
  readonly candidate: string;
  readonly rank: number;
  readonly granularity: SlwForm['granularity'];
}

/**
 * SLW of one pair. What frozen matrices make of a row is computed once where it is kept, once per epoch otherwise. Beside it each
 * token and epoch take the products that a method does not take as known, with the gradient of their inputs, and the recovery parameters
 * forward and with both gradients. A method that makes its matrices anew in every step (g3) does so forward and twice backward.
 */
export function slwWork(shape: ModelShape, size: SlwSize): Work {
  const { hidden_size: d, intermediate_size: f } = shape;
  const { tokens, epochs, batch_tokens, candidate, rank, granularity } = size;
  const isMlp = granularity === 'mlp';
  const columns = placesOf(frozenColumns(size, shape), tokens, keptLimits);
  const kept = columns.filter(({ place }) => place !== 'nowhere').map(({ name }) => name);
  const left = columns.filter(({ place }) => place === 'nowhere').map(({ name }) => name);
  const product = 2 * d * f;
  const frozen = product * (frozenProducts(kept, []) + epochs * frozenProducts(left, kept));
  const { row, pass } = methodNamed(candidate).cost({ d, f, rank });
  const isMade = pass > 0;
  const open = projections.filter((role) => (role === 'down' && isMlp) || !takesKnown(candidate, role)).length;
  // inputs that need no gradient: 2 r d for each of gate and up, 2 r f for a down that is fitted by itself
  const unneeded = 4 * rank * d + (isMlp ? 0 : 2 * rank * f);
  const recovery = rank === 0 ? 0 : 6 * 3 * row - unneeded;
  const backward = isMade ? Number(isMlp) : open; // a matrix that is made has its own gradient below
  const student = (product * (open + backward) + recovery) * tokens * epochs;
  const steps = (epochs * tokens) / batch_tokens;
  // U V, and for its gradient the product of input and output gradient, then dU and dV
  const made = isMade ? 3 * (6 * pass + product * batch_tokens) * steps : 0;
  const gathered = columns.reduce((sum, { width }) => sum + width, d);
  const values = batch_tokens * (gathered + 4 * d + 8 * f + 6 * rank);
  const held = columns.reduce((sum, { place, width }) => sum + (place === 'memory' ? float * tokens * width : 0), 0);
  const windows = Math.min(windowBytes, tokens * d * float) + held;
  const parameters = 3 * matrixParameters(candidate, d, f, rank);
  const weights = float * 2 * mlpParameters(shape) * (isMade ? 2 : 1);
  const memory_bytes = residentMemory(weights + fitted * parameters + windows, float * values);
  return { flops: frozen * tokens + student + made, memory_bytes };
}

/** Products of a frozen matrix that `names` take of a row, `given` being there: through down goes what gate and up made. */
function frozenProducts(names: readonly FrozenName[], given: readonly FrozenName[]): number {
  const isDown = (name: FrozenName) => name === 'output' || name === 'shared_down';
  const inner: FrozenName[] = names.some(isDown) ? ['gate', 'up'] : [];
  return [...new Set([...names, ...inner])].filter((name) => !given.includes(name)).length;
}
