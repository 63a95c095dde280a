// What stages take that let a model answer records, one token after the other.
import type { Cost, CostQuery } from '../../contract/stage.ts';
import { forwardFlops, forwardMemory, shapeOfFacts } from '../../model/sizes/costs.ts';
import { float, smallFile } from './copying.ts';
import { recordsOf, recoveryOf } from './inputs.ts';

/** decode: every record's prompt is read, and as many tokens are made as may be, with all layers: how many are saved is not known before. */
export function decodeCost(query: CostQuery): Cost | undefined {
  const { params, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const recovery = recoveryOf(inputs.recovery);
  const data = recordsOf(inputs.data, {}, query);
  if (shape === undefined || data === undefined || recovery === undefined) return undefined;
  const half = params.part === undefined || params.part === 'all' ? data.records : Math.ceil(data.records / 2);
  const records = Math.min(half, Number(params.limit ?? Number.POSITIVE_INFINITY));
  const length = data.length + Number(params.max_tokens);
  const text = { tokens: records * length, length };
  const sequences = Number(params.batch_size);
  const cache = 2 * float * sequences * length * shape.layers * shape.keys;
  return {
    flops: forwardFlops(shape, text) + 2 * recovery.parameters * text.tokens,
    memory_bytes: forwardMemory(shape, { sequences, length }, { parameters: recovery.parameters }) + cache,
    written_bytes: smallFile + records * 1024,
    starts: Math.ceil(records / sequences) * Number(params.max_tokens) * shape.layers,
    assumed: [...data.assumed, `${params.max_tokens} tokens per answer, each through all layers`],
  };
}

/** exit-risk: the same for each threshold. */
export function exitRiskCost(query: CostQuery): Cost | undefined {
  const one = decodeCost(query);
  return one && repeated(one, query.units.length);
}

/** exit-latency: the same with exits and with all layers, once more often than it counts; what exits save is not known before. */
export function exitLatencyCost(query: CostQuery): Cost | undefined {
  const one = decodeCost(query);
  if (one === undefined) return undefined;
  return { ...repeated(one, 2 * (Number(query.params.repetitions) + 1)), written_bytes: smallFile };
}

function repeated(one: Cost, times: number): Cost {
  return { ...one, flops: times * one.flops, starts: times * (one.starts ?? 0) };
}
