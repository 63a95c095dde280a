// What the stages take that arrange, merge and factor a model's layers.
import type { CheckpointFacts } from '../../contract/facts.ts';
import type { Cost, CostInput, CostQuery, Unit } from '../../contract/stage.ts';
import { forwardFlops, forwardMemory, mlpParameters, modelParameters, shapeOfFacts } from '../../model/sizes/costs.ts';
import { copying, float, smallFile, streaming } from './copying.ts';
import { recordsOf } from './inputs.ts';

interface RelaxQuery {
  readonly units: readonly Unit<{
    readonly rank: number;
    readonly matrices: readonly string[];
    readonly diagonal?: boolean;
  }>[];
  readonly inputs: { readonly model?: CostInput<CheckpointFacts> | undefined };
}

/** Products of a matrix with a basis of its singular vectors, until these are found (model/sharing/singular-vectors.ts), and one more. */
const productsOfSubspace = 15;
/** With a diagonal, A B is found this often (model/sharing/relax.ts). */
const deltaRounds = 4;
/** Columns that the basis has beyond the rank. */
const extraColumns = 16;

/** relax: the matrices of one layer, each a few products with a narrow matrix; one difference at a time. */
export function relaxCost({ units, inputs }: RelaxQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  const [unit] = units;
  if (shape === undefined || unit === undefined) return undefined;
  const { rank } = unit.params;
  const { hidden_size: d, intermediate_size: f, queries, keys } = shape;
  const others = { q: queries, k: keys, v: keys, o: queries, gate: f, up: f, down: f } as Record<string, number>;
  const sides = unit.params.matrices.map((role) => others[role] ?? f);
  const weights = sides.reduce((sum, side) => sum + d * side, 0);
  const parameters = sides.reduce((sum, side) => sum + rank * (d + side), 0);
  const largest = mlpParameters(shape) / 3;
  const rounds = unit.params.diagonal === true ? deltaRounds : 1;
  return {
    ...copying(2 * weights * shape.stored_bytes, units.length * (smallFile + float * parameters)),
    flops: units.length * rounds * 2 * productsOfSubspace * weights * (rank + extraColumns),
    memory_bytes: streaming + float * (3 * largest + 3 * rank * (d + f)),
  };
}

interface WindowsQuery<Params> {
  readonly params: Params & { readonly samples: number; readonly sample_tokens: number };
  readonly inputs: { readonly model?: CostInput<CheckpointFacts> | undefined };
}

/** merge-layers: one pass, and for each layer that is tried the layers from there on; the states in front of every layer are kept. */
export function mergeCost({ params, inputs }: WindowsQuery<{ readonly merge: number }>): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  const text = { tokens: params.samples * params.sample_tokens, length: params.sample_tokens };
  const tries = Math.max(0, shape.layers - params.merge);
  const states = float * text.tokens * shape.hidden_size * (shape.layers + 2);
  return {
    ...copying(inputs.model?.size_bytes, modelParameters(shape) * shape.stored_bytes),
    flops: forwardFlops(shape, text, shape.layers + (tries * shape.layers) / 2, false),
    memory_bytes: forwardMemory(shape, { sequences: params.samples, length: params.sample_tokens }) + states,
    assumed: ['no layer merged'],
  };
}

/** search-blocks: in each round every living block but the kept ones is left out, and what comes after it is run, with the head. */
export function searchCost({
  params,
  inputs,
}: WindowsQuery<{
  readonly count: number;
  readonly keep_first: number;
  readonly keep_last: number;
  readonly batch_size: number;
}>): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  const text = { tokens: params.samples * params.sample_tokens, length: params.sample_tokens };
  let flops = 0;
  for (let living = shape.layers; living > shape.layers - params.count; living--) {
    const candidates = Math.max(0, living - params.keep_first - params.keep_last);
    for (let place = params.keep_first; place < params.keep_first + candidates; place++) {
      flops += forwardFlops(shape, text, living - place - 1, true);
    }
    flops += forwardFlops(shape, text, living - params.keep_last, false);
  }
  const layers = shape.layers - params.count;
  return {
    ...copying(inputs.model?.size_bytes, modelParameters({ ...shape, layers }) * shape.stored_bytes),
    flops,
    memory_bytes: forwardMemory(shape, { sequences: params.batch_size, length: params.sample_tokens }),
  };
}

/**
 * fit-layer: for each record the stream up to the last layer that goes, and that of the layer that stays, there and back; with `lm` through all
 * layers that are left, and back to it.
 */
export function fitCost(query: CostQuery): Cost | undefined {
  const { params, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const data = recordsOf(inputs.data, params, query);
  if (shape === undefined || data === undefined) return undefined;
  const [remove, sequences] = [Number(params.remove), Number(params.micro_batch)];
  const start = Number(params.start ?? (shape.layers - remove) / 2);
  const most = Number(params.max_steps ?? Number.POSITIVE_INFINITY) * Number(params.batch_size);
  const text = { tokens: Math.min(data.records * Number(params.epochs), most) * data.length, length: data.length };
  const isLm = params.loss === 'lm';
  const left = shape.layers - remove;
  const layers = isLm ? left + 2 * (left - start + 1) : start + remove + 3;
  const one = 4 * shape.hidden_size * shape.queries + mlpParameters(shape);
  const batch = { sequences, length: Number(params.max_length) };
  const waiting =
    float *
    sequences *
    batch.length *
    (isLm ? left - start + 1 : 1) *
    (4 * shape.hidden_size + 3 * shape.intermediate_size);
  return {
    ...copying(
      inputs.model?.size_bytes,
      modelParameters({ ...shape, layers: left }) * shape.stored_bytes + float * one,
    ),
    flops: forwardFlops(shape, text, layers, isLm),
    memory_bytes: forwardMemory(shape, batch, { head: isLm }) + 4 * float * one + waiting,
    assumed: data.assumed,
  };
}

interface BasisQuery {
  /** `first` is of a unit alone, and not among the stage's parameters. */
  readonly units: readonly Unit<{ readonly group: number; readonly first?: number }>[];
  readonly params: {
    readonly group: number;
    readonly samples: number;
    readonly sample_tokens: number;
    readonly batch_size: number;
  };
  readonly inputs: { readonly model?: CostInput<CheckpointFacts> | undefined };
  readonly facts: { readonly recovery_parameters?: number };
}

/** share-basis: a pass up to the last layer of the group, second moments of its inputs, and a decomposition for each basis, [in, in], here. */
export function basisCost({ units, params, inputs, facts }: BasisQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined || facts.recovery_parameters === undefined) return undefined;
  const text = { tokens: params.samples * params.sample_tokens, length: params.sample_tokens };
  const { hidden_size: d, intermediate_size: f, queries } = shape;
  const squares = 2 * d * d + queries * queries + f * f;
  const decompositions = 10 * (5 * d ** 3 + queries ** 3 + f ** 3);
  const flops = units.reduce((sum, { params: { first = 1, group } }) => {
    return (
      sum + forwardFlops(shape, text, first + group - 1, false) + group * (2 * text.tokens * squares + decompositions)
    );
  }, 0);
  const batch = { sequences: params.batch_size, length: params.sample_tokens };
  return {
    ...copying(
      inputs.model?.size_bytes,
      (units.length * params.group * float * facts.recovery_parameters) / shape.layers,
    ),
    flops,
    memory_bytes: forwardMemory(shape, batch, { head: false }) + 8 * (params.group * squares + 6 * f * f),
  };
}
