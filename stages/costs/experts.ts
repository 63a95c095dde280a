// What the stages take that cut MLPs into experts and train their routers.
import type { RecoveryFacts } from '../../contract/facts.ts';
import type { Cost, CostInput, CostQuery } from '../../contract/stage.ts';
import { forwardFlops, forwardMemory, type ModelShape, mlpParameters, shapeOfFacts } from '../../model/sizes/costs.ts';
import { copying, float, smallFile, streaming } from './copying.ts';
import { recordsOf, recoveryOf } from './inputs.ts';

/** split-experts: what came in, and routers at random. */
export function splitCost({ facts }: CostQuery): Cost | undefined {
  const { recovery_parameters, router_parameters } = facts;
  if (typeof recovery_parameters !== 'number' || typeof router_parameters !== 'number') return undefined;
  const size_bytes = float * (recovery_parameters + router_parameters);
  return { ...copying(0, smallFile + size_bytes), memory_bytes: streaming + size_bytes };
}

/** train-routers: a forward pass with every expert, in each cut layer the whole MLP's `down` once more for each expert and for all; no gradient leaves a router. */
export function routersCost(query: CostQuery): Cost | undefined {
  const { params, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const data = recordsOf(inputs.data, params, query);
  const recovery = recoveryOf(inputs.recovery);
  const { routing, router_parameters = 0 } = routedFacts(inputs.recovery);
  if (shape === undefined || data === undefined || recovery === undefined) return undefined;
  const { layers, experts } = routing ?? { layers: shape.layers, experts: 4 };
  const most = Number(params.max_steps ?? Number.POSITIVE_INFINITY) * Number(params.batch_size);
  const tokens = Math.min(data.records * Number(params.epochs), most) * data.length;
  const matrix = mlpParameters(shape) / 3;
  const sequences = Math.min(Number(params.micro_batch), Number(params.batch_size), data.records);
  const seen = sequences * Number(params.max_length) * layers * (shape.hidden_size + 3 * experts);
  return {
    flops: forwardFlops(shape, { tokens, length: data.length }) + tokens * layers * 2 * matrix * (experts + 3),
    memory_bytes:
      forwardMemory(shape, { sequences, length: Number(params.max_length) }, { parameters: recovery.parameters }) +
      float * (2 * seen + 4 * router_parameters),
    written_bytes: smallFile + float * (recovery.parameters + router_parameters),
    assumed: data.assumed,
  };
}

/** Operations that a token does without in an evaluation, because it passes some experts of its MLPs. */
export function sparedFlops(shape: ModelShape, recovery: CostInput | undefined): number {
  const { routing } = routedFacts(recovery);
  if (routing === undefined) return 0;
  const { layers, experts, active } = routing;
  return 2 * layers * ((1 - active / experts) * mlpParameters(shape) - experts * shape.hidden_size);
}

function routedFacts(recovery: CostInput | undefined): Pick<RecoveryFacts, 'routing' | 'router_parameters'> {
  return (recovery?.facts ?? {}) as RecoveryFacts;
}
