// What a layer of an ONNX graph multiplies with: its own matrices or its reference's, with the recovery parameters of the target beside them.
import type { ModelConfig } from '../architecture/model-config.ts';
import { isMatrixRole, isProjection, type LayerRole, type MatrixRole, type VectorRole } from '../architecture/roles.ts';
import { layerTensors, tensorName } from '../architecture/tensors.ts';
import type { LayerWeights } from '../forward/block.ts';
import type { Product } from '../operators/operators.ts';
import type { Replacement } from '../sharing/replacement.ts';
import { applyFactors, type Factors } from './candidates.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import type { OnnxWeights } from './weights.ts';

/** A layer, and what stands in for its MLP. */
interface Layer {
  readonly config: ModelConfig;
  /** From 1. */
  readonly layer: number;
  readonly replacement: Replacement | undefined;
  /** False where its MLP is known to be zeros, and not stored. */
  readonly hasMlp: boolean;
}

/** The weights of a layer, all of them read and written. */
export async function readLayer(
  graph: OnnxBuilder,
  { config, layer, replacement, hasMlp }: Layer,
  weights: Pick<OnnxWeights, 'vector' | 'matrix' | 'factors'>,
): Promise<LayerWeights<Value>> {
  const vectors = new Map<VectorRole, Value>();
  const linears = new Map<MatrixRole, (x: Value) => Value>();
  const enter = (role: LayerRole) => {
    graph.scope = `layers.${layer - 1}/${isProjection(role) || role === 'mlp_norm' ? 'mlp' : 'attention'}`; // counted from 0, as names are
  };
  for (const { role } of layerTensors(config, layer)) {
    enter(role as LayerRole);
    if (!isMatrixRole(role))
      vectors.set(role as VectorRole, await weights.vector(tensorName(config, layer, role as LayerRole)));
    else if (!isProjection(role)) linears.set(role, plain(await weights.matrix(tensorName(config, layer, role))));
    else if (hasMlp) linears.set(role, await replaced(role));
  }
  enter('attention_norm');
  return {
    hasMlp,
    vector(role) {
      enter(role);
      return vectors.get(role) as Value;
    },
    linear: (role, x) => (linears.get(role) as (x: Value) => Value)(x),
  };

  async function replaced(role: Parameters<OnnxWeights['factors']>[1]): Promise<(x: Value) => Value> {
    const product = await weights.matrix(tensorName(config, replacement?.reference ?? layer, role));
    if (replacement === undefined || replacement.rank === 0) return plain(product);
    const factors: Factors = await weights.factors(replacement, role);
    return (x) => applyFactors(graph, { candidate: replacement.candidate, projection: role }, x, product, factors);
  }
}

function plain(product: Product<Value>): (x: Value) => Value {
  return (x) => product.times(product.input(x));
}
