// What a layer of an ONNX graph multiplies with: its own matrices or its reference's, with the recovery parameters of the target beside them.
import type { tf } from '../../tensor/tf.ts';
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
import type { LayerWeights, Router } from '../forward/block.ts';
import { methodNamed } from '../methods/registry.ts';
import type { Product } from '../operators/operators.ts';
import { type Recovery, replacementAt } from '../sharing/recovery.ts';
import { routerName } from '../sharing/routing.ts';
import { floatBytes, type OnnxBuilder, type Value } from './graph.ts';
import { graphOperators } from './graph-operators.ts';
import type { OnnxWeights } from './weights.ts';

/** A layer, and what stands at its matrices. */
interface Layer {
  readonly config: ModelConfig;
  /** From 1. */
  readonly layer: number;
  readonly recovery: Pick<Recovery, 'replacements' | 'routing'>;
  /** False where its attention is known to be zeros, and not stored. */
  readonly hasAttention: boolean;
  /** The same of its MLP. */
  readonly hasMlp: boolean;
  /** True where its MLP's matrices are floats as they are stored, so that experts can be cut out of them. */
  readonly canPart: boolean;
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
  const router = hasMlp ? await readRouter(graph, given, weights) : undefined;
  enter(hasAttention ? 'attention_norm' : 'mlp_norm');
  return {
    hasAttention,
    hasMlp,
    vector(role) {
      enter(role);
      return vectors.get(role) as Value;
    },
    linear: (role, x) => (linears.get(role) as Linear)(x),
    router,
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

/** The router of a layer whose MLP is cut into experts. */
async function readRouter(
  graph: OnnxBuilder,
  { config, layer, recovery, canPart }: Layer,
  { matrix }: Pick<OnnxWeights, 'matrix'>,
): Promise<Router<Value> | undefined> {
  const { routing } = recovery;
  if (routing === undefined || !routing.layers.includes(layer)) return undefined;
  const { experts, active } = routing;
  const tensor = async (kind: 'weight' | 'bias') => {
    const name = routerName(layer, kind);
    const router = routing.routers.get(name) as tf.Variable;
    const values = (await router.data()) as Float32Array;
    return graph.weight({ name, type: 'float32', dims: router.shape, bytes: floatBytes('float32', values, name) });
  };
  const [weight, bias] = [await tensor('weight'), await tensor('bias')];
  const { wide } = graphOperators(graph);
  const parts = async (role: MatrixRole) => {
    const name = tensorName(config, replacementAt(recovery, layer, role)?.reference ?? layer, role);
    const attributes = { axis: { int: writesHidden(role) ? 1 : 0 }, num_outputs: { int: experts } };
    return graph.addAll('Split', [(await matrix(name)).whole()], experts, { attributes });
  };
  const cut = async () => {
    const [gate, up, down] = [await parts('gate'), await parts('up'), await parts('down')];
    return gate.map((own, e) => ({ gate: own, up: up[e] as Value, down: down[e] as Value }));
  };
  return {
    active,
    scores: (x) => graph.add('Gemm', [wide(x), weight, bias], { attributes: { transB: { int: 1 } } }),
    scaled: (x) => graph.add('Mul', [x, graph.number(experts / active)]),
    experts: canPart ? await cut() : undefined,
  };
}

/** The product of a method that has no use for one. */
function notStored(name: string): Product<Value> {
  const fail = (): never => {
    throw new Error(`matrix '${name}' is not stored`);
  };
  return { input: (x) => x, times: fail, whole: fail };
}
