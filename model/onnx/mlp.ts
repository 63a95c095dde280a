// The matrices of a layer in an ONNX graph: a layer's own or its reference's, with the recovery parameters of the target beside them.

import type { ModelConfig } from '../architecture/model-config.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { type Recovery, replacementAt } from '../sharing/recovery.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import { applyFactors } from './matrix-operators.ts';
import type { OnnxWeights } from './weights.ts';

/** x [N, in] through matrix `role` of layer `layer` (from 1) -> [N, out]. */
export type Project = (layer: number, role: MatrixRole, x: Value) => Promise<Value>;

/** The matrices of a model with what stands at them. */
export function projectOf(
  graph: OnnxBuilder,
  config: ModelConfig,
  recovery: Pick<Recovery, 'replacements'>,
  { matrix, factors }: Pick<OnnxWeights, 'matrix' | 'factors'>,
): Project {
  return async (layer, role, x) => {
    const replacement = replacementAt(recovery, layer, role);
    const product = await matrix(tensorName(config, replacement?.reference ?? layer, role));
    if (replacement === undefined || replacement.rank === 0) return product.times(product.input(x));
    const { candidate } = replacement;
    return applyFactors(graph, { candidate, role }, x, product, await factors(layer, role));
  };
}

/** The gated MLP of layer `layer`: x [N, D] -> [N, D]. */
export async function addMlp(graph: OnnxBuilder, project: Project, layer: number, x: Value): Promise<Value> {
  const gate = await project(layer, 'gate', x);
  const up = await project(layer, 'up', x);
  const activated = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])]);
  return project(layer, 'down', graph.add('Mul', [activated, up]));
}
