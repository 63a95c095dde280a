// The gated MLP of an ONNX graph: a layer's own matrices or its reference's, with the recovery parameters of the target beside them.

import type { ModelConfig } from '../architecture/model-config.ts';
import type { Projection } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import type { Replacement } from '../sharing/replacement.ts';
import { applyFactors } from './candidates.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import type { OnnxWeights } from './weights.ts';

/** The MLP of `layer` (from 1) with what stands in for it: x [N, D] -> [N, D]; null where it is pruned. */
export function mlpOf(
  graph: OnnxBuilder,
  config: ModelConfig,
  layer: number,
  replacement: Replacement | undefined,
  { matrix, factors }: Pick<OnnxWeights, 'matrix' | 'factors'>,
): ((x: Value) => Promise<Value>) | null {
  if (replacement?.reference === null) return null;
  const reference = replacement?.reference ?? layer;
  const project = async (projection: Projection, x: Value) => {
    const product = await matrix(tensorName(config, reference, projection));
    if (replacement === undefined || replacement.rank === 0) return product.times(product.input(x));
    const { candidate } = replacement;
    return applyFactors(graph, { candidate, projection }, x, product, await factors(layer, projection));
  };
  return async (x) => {
    const gate = await project('gate', x);
    const up = await project('up', x);
    const activated = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])]);
    return project('down', graph.add('Mul', [activated, up]));
  };
}
