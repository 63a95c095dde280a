// What each stage takes, from its parameters and its inputs' facts: model/costs.ts asked in the words of the stages.
import { matrixParameters } from '../model/candidate-forms.ts';
import {
  forwardFlops,
  forwardMemory,
  mlpParameters,
  modelParameters,
  pretrainFlops,
  type RecoverySize,
  type SlwSize,
  sftFlops,
  sftMemory,
  shapeOfFacts,
  slwWork,
} from '../model/costs.ts';
import type { Cost, CostInput, CostQuery, JsonObject } from '../spec/stage.ts';

const float = 4;
/** UTF-8 of English text and formulas, with the record's JSON around it. */
const bytesPerToken = 4.5;
/** A metrics file, a curve, a map without parameters. */
const smallFile = 4096;
/** What a stage takes that reads and writes in a stream. */
const streaming = 256 * 2 ** 20;

/** Adds up what is read from files; the arithmetic does not count. */
const copying = (read_bytes: number | undefined, written_bytes: number): Cost => ({
  flops: 0,
  memory_bytes: streaming,
  read_bytes,
  written_bytes,
});

/** load: the checkpoint has the weights as they are stored. */
export function loadCost({ facts }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(facts);
  if (shape === undefined) return undefined;
  const size_bytes = modelParameters(shape) * shape.stored_bytes;
  return copying(size_bytes, size_bytes);
}

/** share-blocks and drop-blocks: the layers that are stored, and everything outside the layers. */
export function arrangedCost({ inputs, facts }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined || typeof facts.stored_layers !== 'number') return undefined;
  const size_bytes = (layers: number) => modelParameters({ ...shape, layers }) * shape.stored_bytes;
  return copying(inputs.model?.size_bytes ?? size_bytes(shape.layers), size_bytes(facts.stored_layers));
}

/** Records and their tokens, as far as the data's facts go. */
interface Records {
  records: number;
  /** Tokens of a record, cut at `max_length`. */
  length: number;
  assumed: string[];
}

function recordsOf(
  input: CostInput | undefined,
  params: JsonObject,
  { record_tokens }: CostQuery,
): Records | undefined {
  const facts = input?.facts ?? {};
  const all = facts[input?.output ?? ''] ?? facts.records;
  if (typeof all !== 'number') return undefined;
  const most = typeof params.max_records === 'number' ? params.max_records : Number.POSITIVE_INFINITY;
  const records = Math.min(most, Math.ceil(all * Number(params.fraction ?? 1)));
  const known = typeof facts.record_tokens === 'number' ? facts.record_tokens : undefined;
  const length = Math.min(known ?? record_tokens, Number(params.max_length ?? Number.POSITIVE_INFINITY));
  return { records, length, assumed: known === undefined ? [assumedLength(record_tokens)] : [] };
}

/** dataset: records of both outputs. */
export function datasetCost({ facts, record_tokens }: CostQuery): Cost | undefined {
  const records = typeof facts.train === 'number' ? facts.train + Number(facts.eval ?? 0) : facts.records;
  if (typeof records !== 'number') return undefined;
  const known = typeof facts.record_tokens === 'number' ? facts.record_tokens : undefined;
  const size_bytes = records * (known ?? record_tokens) * bytesPerToken;
  return {
    ...copying(size_bytes, size_bytes),
    ...(known === undefined ? { assumed: [assumedLength(record_tokens)] } : {}),
  };
}

const assumedLength = (record_tokens: number) => `${record_tokens} tokens per record`;

/** capture-activations: one forward pass up to the deepest layer that is wanted, whatever the number of layers. */
export function captureCost(query: CostQuery): Cost | undefined {
  const { params, units, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const data = recordsOf(inputs.data, params, query);
  if (shape === undefined || data === undefined) return undefined;
  const text = { tokens: data.records * data.length, length: data.length };
  const deepest = Math.max(0, ...units.map((unit) => Number(unit.params.layer)));
  return {
    flops: forwardFlops(shape, text, deepest, false),
    memory_bytes: forwardMemory(shape, batchOf(params), { head: false }),
    written_bytes: units.length * text.tokens * activationBytes(params, shape.hidden_size),
    assumed: data.assumed,
  };
}

/** Bytes that one token has in the file of one layer. */
function activationBytes({ dtype }: JsonObject, width: number): number {
  return width * (dtype === 'F16' ? 2 : float);
}

function batchOf({ batch_size, max_length }: JsonObject): { sequences: number; length: number } {
  return { sequences: Number(batch_size), length: Number(max_length) };
}

/** slw: one pair; the tokens are those that the captured file holds. */
export function slwCost({ units, inputs }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  const activations = inputs.activations;
  if (shape === undefined || activations?.size_bytes === undefined) return undefined;
  const size = units[0]?.params as unknown as Omit<SlwSize, 'tokens'>;
  const tokens = activations.size_bytes / activationBytes(activations.facts, shape.hidden_size);
  const { hidden_size: d, intermediate_size: f } = shape;
  return {
    ...slwWork(shape, { ...size, tokens }),
    read_bytes: 2 * mlpParameters(shape) * shape.stored_bytes + activations.size_bytes * size.epochs,
    written_bytes: smallFile + float * 3 * matrixParameters(size.candidate, d, f, size.rank),
  };
}

/** What a recovery's facts say of its size; none where they are not known. */
function recoveryOf(input: CostInput | undefined): RecoverySize | undefined {
  if (input === undefined) return { parameters: 0, first_layer: 1 };
  const { recovery_parameters, first_layer } = input.facts;
  if (typeof recovery_parameters !== 'number') return undefined;
  return { parameters: recovery_parameters, first_layer: typeof first_layer === 'number' ? first_layer : 1 };
}

/** share, and every stage that writes recovery parameters without training them. */
export function untrainedCost({ facts }: CostQuery): Cost | undefined {
  if (typeof facts.recovery_parameters !== 'number') return undefined;
  const size_bytes = float * facts.recovery_parameters;
  return { ...copying(0, smallFile + size_bytes), memory_bytes: streaming + size_bytes };
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
  return {
    flops: sftFlops(shape, { tokens, length: data.length }, recovery),
    memory_bytes: sftMemory(shape, recovery, { sequences, length: Number(params.max_length) }),
    written_bytes: smallFile + float * recovery.parameters,
    assumed: data.assumed,
  };
}

/** perplexity-eval, and every stage that reads a model out over a data set; all tokens go through the output head. */
export function evaluationCost(query: CostQuery): Cost | undefined {
  const { params, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const data = recordsOf(inputs.data, params, query);
  const recovery = recoveryOf(inputs.recovery);
  if (shape === undefined || data === undefined || recovery === undefined) return undefined;
  const { parameters } = recovery;
  const text = { tokens: data.records * data.length, length: data.length };
  return {
    flops: forwardFlops(shape, text) + 2 * parameters * text.tokens,
    memory_bytes: forwardMemory(shape, batchOf(params), { parameters }),
    written_bytes: smallFile,
    assumed: data.assumed,
  };
}

/** task-data: records of a few hundred tokens, read once and written once. */
export function taskDataCost({ facts, record_tokens }: CostQuery): Cost {
  const known = typeof facts.records === 'number';
  const records = known ? Number(facts.records) : usualTaskRecords;
  const size_bytes = records * record_tokens * bytesPerToken;
  return {
    ...copying(size_bytes, size_bytes),
    assumed: [assumedLength(record_tokens), ...(known ? [] : [`${usualTaskRecords} records of all tasks`])],
  };
}

/** Records of the paper's 14 tasks that are scored: 29 thousand. */
const usualTaskRecords = 30_000;

/**
 * lm-eval-tasks: how many requests there are is known only from the data, so a thousand records of four choices a task are assumed;
 * a choice of one token costs nothing beside its context, longer ones cost the context again. Generation is not counted.
 */
export function tasksCost({ params, inputs, record_tokens }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  const recovery = recoveryOf(inputs.recovery);
  if (shape === undefined || recovery === undefined) return undefined;
  const { records: scored, tasks: counted } = inputs.data?.facts ?? {};
  const known = typeof scored === 'number' && typeof counted === 'number' ? scored / counted : undefined;
  const each = Math.min(Number(params.limit ?? Number.POSITIVE_INFINITY), known ?? 1000);
  const records = each * [params.tasks].flat().length;
  const length = Math.min(record_tokens * (1 + Number(params.num_fewshot ?? 0)), Number(params.max_length ?? 4096));
  const text = { tokens: 4 * records * length, length };
  return {
    flops: forwardFlops(shape, text) + 2 * recovery.parameters * text.tokens,
    memory_bytes: forwardMemory(
      shape,
      { sequences: Number(params.batch_size), length },
      { parameters: recovery.parameters },
    ),
    written_bytes: smallFile + records * 1024,
    assumed: [assumedLength(record_tokens), `${Math.round(each)} records of 4 choices per task`, 'nothing generated'],
  };
}

/** pretrain: all weights, for `steps` steps; what Adam keeps takes the place of gradients in an sft. */
export function pretrainCost({ params, facts, record_tokens }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(facts);
  if (shape === undefined) return undefined;
  const length = Math.min(record_tokens, Number(params.max_length));
  const tokens = Number(params.steps) * Number(params.batch_size) * length;
  const batch = batchOf(params);
  return {
    flops: pretrainFlops(shape, { tokens, length }),
    memory_bytes: sftMemory(shape, { parameters: modelParameters(shape), first_layer: 1 }, batch),
    written_bytes: float * modelParameters(shape),
    assumed: [assumedLength(record_tokens)],
  };
}

/** export: all weights in another form. */
export function exportCost({ params, inputs }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  const size_bytes = inputs.model?.size_bytes;
  if (params.dtype === 'STORED' && params.format === 'onnx' && size_bytes !== undefined) {
    return copying(size_bytes, size_bytes + Number(inputs.recovery?.facts.recovery_parameters ?? 0) * float);
  }
  const bytes = storedNumberBytes[String(params.dtype)] ?? 1 / 2 + float / Number(params.group_size);
  const { targets, recovery_parameters } = inputs.recovery?.facts ?? {};
  const factors = Number(recovery_parameters ?? 0);
  const { hidden_size: d, intermediate_size: f } = shape;
  const isShared = params.layout === 'compact' || params.format === 'onnx';
  const dropped = isShared ? Number(targets ?? 0) * mlpParameters(shape) : 0;
  const isFolded = factors > 0 && !isShared && params.format !== 'peft';
  return {
    ...copying(inputs.model?.size_bytes, (modelParameters(shape) - dropped) * bytes + (isFolded ? 0 : factors * float)),
    flops: isFolded ? (2 * d * f * factors) / (d + f) : 0, // of A B: 2 d f r for r (d + f) parameters
    memory_bytes: streaming + (isFolded ? 4 * float * d * f + factors * float : 0),
  };
}

/** Bytes of one number in the types of exports; the others have 4 bits and a float32 scale for each group. */
const storedNumberBytes: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, Q8_0: 34 / 32, Q4_0: 18 / 32 };

/** planned-size: a few thousand additions. */
export function plannedSizeCost(): Cost {
  return copying(0, smallFile);
}

/**
 * latency: the shape behind a file is not known when planning, so its bytes are all there is: at two operations for each float of four
 * bytes and each token, and twice in memory, as it lies on disk and as ONNX Runtime arranges it. One model is in memory at a time.
 */
export function latencyCost({ params, inputs }: CostQuery): Cost | undefined {
  const sizes = ['model', 'reference'].map((name) => bytesOfModel(name, inputs));
  const [model, reference] = sizes;
  if (model === undefined || reference === undefined) return undefined;
  const rounds = Number(params.repetitions) + 1;
  const passes = Number(params.passes) + Number(params.warmups);
  const tokens = Number(params.prompt_tokens) * passes + Number(params.decode_tokens);
  return {
    flops: ((model + reference) / 2) * tokens * rounds,
    memory_bytes: streaming + 2 * Math.max(model, reference),
    read_bytes: (model + reference) * rounds,
    written_bytes: 2 * smallFile,
  };
}

/** Bytes of the files of input `name` and of its data; 0 where it is left empty, undefined while they are not known. */
function bytesOfModel(name: string, inputs: CostQuery['inputs']): number | undefined {
  const sizes = [inputs[name], inputs[`${name}_data`]].flatMap((input) =>
    input === undefined ? [] : [input.size_bytes],
  );
  return sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, size) => sum + (size as number), 0);
}

/** prune-channels: forward over the windows, and each layer once more with its backward pass; one layer's gradients at a time. */
export function pruneChannelsCost({ params, inputs }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  const [samples, length] = [Number(params.samples), Number(params.sample_tokens)];
  const states = float * samples * length * shape.layers * shape.hidden_size;
  return {
    ...copying(inputs.model?.size_bytes, modelParameters(shape) * shape.stored_bytes),
    flops: 4 * forwardFlops(shape, { tokens: samples * length, length }),
    memory_bytes: forwardMemory(shape, { sequences: samples, length }) + states + 4 * float * mlpParameters(shape),
  };
}

/**
 * quantize: every weight is read and rounded. GPTQ: five passes of which each stops at other matrices, the inputs' second moments,
 * and for each of a matrix's weights a product with all columns to its right; a layer's weights and second moments at a time.
 */
export function quantizeCost({ params, inputs }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  const { scheme, bits, group_size, samples, sample_tokens } = params as Record<string, number> & { scheme: string };
  const weights = modelParameters(shape);
  const stored = scheme === 'float' ? 32 : scheme === 'rtn' || scheme === 'gptq' ? (bits as number) : 4;
  const embeddings = (shape.tied ? 1 : 2) * shape.vocab_size * shape.hidden_size;
  const written = ((weights - embeddings) * (stored + 32 / (group_size || shape.hidden_size))) / 8 + float * embeddings;
  if (!scheme.endsWith('gptq')) return { ...copying(inputs.model?.size_bytes, written), flops: 10 * weights };
  const { layers, hidden_size: d, intermediate_size: f, queries } = shape;
  const tokens = (samples as number) * (sample_tokens as number);
  const moments = 2 * tokens * (2 * d * d + queries * queries + f * f);
  const rounding = weights * d + layers * (2 * d * f * f + (4 / 3) * (d ** 3 + f ** 3));
  const layer = mlpParameters(shape) + 4 * d * queries;
  return {
    ...copying(inputs.model?.size_bytes, written),
    flops: 3 * forwardFlops(shape, { tokens, length: sample_tokens as number }) + layers * moments + rounding,
    memory_bytes: streaming + float * (3 * layer + 2 * tokens * d) + 3 * 8 * f * f,
  };
}

/** weight-difference, and every stage that only reads the weights: a subtraction and a product for each. */
export function weightsCost({ inputs }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  return { ...copying(inputs.model?.size_bytes, smallFile), flops: 4 * modelParameters(shape) };
}

/** train-tokenizer: its time is counting pairs on the processor, which is not estimated. */
export function tokenizerCost({ inputs }: CostQuery): Cost {
  return copying(inputs.data?.size_bytes, 2 ** 20);
}

/** Stages that only look at what is stored: no work to speak of. */
export function lookingCost(): Cost {
  return copying(0, smallFile);
}
