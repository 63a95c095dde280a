// What a layer of an ONNX graph multiplies with: its own matrices or its reference's, with the recovery parameters of the target beside them.
import type { ModelConfig } from '../architecture/model-config.ts';
import {
  isMatrixRole,
  isProjection,
  type LayerRole,
  type MatrixRole,
  type VectorRole,
  writesHidden,
} from '../architecture/roles.ts';
import { layerTensors, tensorName } from '../architecture/tensors.ts';
import type { LayerWeights } from '../forward/block.ts';
import { methodNamed } from '../methods/registry.ts';
import type { Product } from '../operators/operators.ts';
import { type Recovery, replacementAt } from '../sharing/recovery.ts';
import type { OnnxBuilder, Value } from './graph.ts';
import { graphOperators } from './graph-operators.ts';
import type { OnnxWeights } from './weights.ts';

/** A layer, and what stands at its matrices. */
interface Layer {
  readonly config: ModelConfig;
  /** From 1. */
  readonly layer: number;
  readonly recovery: Pick<Recovery, 'replacements'>;
  /** False where its attention is known to be zeros, and not stored. */
  readonly hasAttention: boolean;
  /** The same of its MLP. */
  readonly hasMlp: boolean;
}

type Linear = (x: Value) => Value;

/** The weights of a layer, all of them read and written. */
export async function readLayer(
  graph: OnnxBuilder,
  given: Layer,
  weights: Pick<OnnxWeights, 'vector' | 'matrix' | 'parameters'>,
): Promise<LayerWeights<Value>> {
  const { config, layer, hasAttention, hasMlp } = given;
  const vectors = new Map<VectorRole, Value>();
  const linears = new Map<MatrixRole, Linear>();
  const enter = (role: LayerRole) => {
    graph.scope = `layers.${layer - 1}/${isProjection(role) || role === 'mlp_norm' ? 'mlp' : 'attention'}`; // counted from 0, as names are
  };
  for (const spec of layerTensors(config, layer)) {
    const role = spec.role as LayerRole;
    const isOfMlp = isProjection(role) || role === 'mlp_norm';
    if (!isOfMlp && !hasAttention) continue;
    enter(role);
    if (!isMatrixRole(role)) vectors.set(role, await weights.vector(spec.name));
    else if (hasMlp || !isOfMlp) linears.set(role, await readMatrix(graph, given, role, weights));
  }
  enter(hasAttention ? 'attention_norm' : 'mlp_norm');
  return {
    hasAttention,
    hasMlp,
    vector(role) {
      enter(role);
      return vectors.get(role) as Value;
    },
    linear: (role, x) => (linears.get(role) as Linear)(x),
  };
}

/** The matrix `role` of a layer with what stands at it. */
async function readMatrix(
  graph: OnnxBuilder,
  { config, layer, recovery }: Layer,
  role: MatrixRole,
  weights: Pick<OnnxWeights, 'matrix' | 'parameters'>,
): Promise<Linear> {
  const replacement = replacementAt(recovery, layer, role);
  const name = tensorName(config, replacement?.reference ?? layer, role);
  const isAlone = replacement !== undefined && replacement.rank > 0 && methodNamed(replacement.candidate).standsAlone;
  const product = isAlone ? notStored(name) : await weights.matrix(name);
  if (replacement === undefined || replacement.rank === 0) return (x) => product.times(product.input(x));
  const parameters = await weights.parameters(replacement, role);
  const matrix = { operators: graphOperators(graph), isTransposed: writesHidden(role), product, parameters };
  return (x) => methodNamed(replacement.candidate).apply(matrix, x);
}

/** The product of a method that has no use for one. */
function notStored(name: string): Product<Value> {
  const fail = (): never => {
    throw new Error(`matrix '${name}' is not stored`);
  };
  return { input: (x) => x, times: fail, whole: fail };
}
