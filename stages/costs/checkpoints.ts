// What stages take that make one model or recovery out of another.
import type { Cost, CostQuery } from '../../contract/stage.ts';
import { forwardFlops, forwardMemory, mlpParameters, modelParameters, shapeOfFacts } from '../../model/sizes/costs.ts';
import { copying, float, smallFile, streaming } from './copying.ts';

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

/** share, and every stage that writes recovery parameters without training them. */
export function untrainedCost({ facts }: CostQuery): Cost | undefined {
  if (typeof facts.recovery_parameters !== 'number') return undefined;
  const size_bytes = float * facts.recovery_parameters;
  return { ...copying(0, smallFile + size_bytes), memory_bytes: streaming + size_bytes };
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

/** The parameters of quantize that decide what it takes. */
interface QuantizeAsked {
  readonly scheme: string;
  readonly bits: number;
  readonly group_size: number;
  readonly samples: number;
  readonly sample_tokens: number;
}

/**
 * quantize: every weight is read and rounded. GPTQ: five passes of which each stops at other matrices, the inputs' second moments,
 * and for each of a matrix's weights a product with all columns to its right; a layer's weights and second moments at a time.
 */
export function quantizeCost({ params, inputs }: CostQuery<QuantizeAsked>): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  const { scheme, bits, group_size, samples, sample_tokens } = params;
  const weights = modelParameters(shape);
  const stored = scheme === 'float' ? 32 : scheme === 'rtn' || scheme === 'gptq' ? bits : 4;
  const embeddings = (shape.tied ? 1 : 2) * shape.vocab_size * shape.hidden_size;
  const written = ((weights - embeddings) * (stored + 32 / (group_size || shape.hidden_size))) / 8 + float * embeddings;
  if (!scheme.endsWith('gptq')) return { ...copying(inputs.model?.size_bytes, written), flops: 10 * weights };
  const { layers, hidden_size: d, intermediate_size: f, queries } = shape;
  const tokens = samples * sample_tokens;
  const moments = 2 * tokens * (2 * d * d + queries * queries + f * f);
  const rounding = weights * d + layers * (2 * d * f * f + (4 / 3) * (d ** 3 + f ** 3));
  const layer = mlpParameters(shape) + 4 * d * queries;
  return {
    ...copying(inputs.model?.size_bytes, written),
    flops: 3 * forwardFlops(shape, { tokens, length: sample_tokens }) + layers * moments + rounding,
    memory_bytes: streaming + float * (3 * layer + 2 * tokens * d) + 3 * 8 * f * f,
  };
}

/** weight-difference, and every stage that only reads the weights: a subtraction and a product for each. */
export function weightsCost({ inputs }: CostQuery): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  return { ...copying(inputs.model?.size_bytes, smallFile), flops: 4 * modelParameters(shape) };
}
