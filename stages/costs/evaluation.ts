// What stages take that measure a model.
import type { Cost, CostQuery } from '../../contract/stage.ts';
import { forwardFlops, forwardMemory, shapeOfFacts, walkMemory } from '../../model/sizes/costs.ts';
import { float, smallFile, streaming } from './copying.ts';
import { sparedFlops } from './experts.ts';
import { assumedLength, bytesPerToken, layerOfStates, longestOf, recordsOf, recoveryOf, walkOf } from './inputs.ts';

/** perplexity-eval, and every stage that goes through a model's layers over a data set; all tokens go through the output head. */
export function evaluationCost(query: CostQuery): Cost | undefined {
  const { params, inputs, units } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const data = recordsOf(inputs.data, params, query);
  const recovery = recoveryOf(inputs.recovery);
  if (shape === undefined || data === undefined || recovery === undefined) return undefined;
  const { parameters } = recovery;
  const text = { tokens: data.records * data.length, length: data.length };
  const kept = units[0]?.needs?.beginning?.[0];
  const saved = kept === undefined ? 0 : forwardFlops(shape, text, layerOfStates(kept), false);
  return {
    flops: forwardFlops(shape, text) - saved + (2 * parameters - sparedFlops(shape, inputs.recovery)) * text.tokens,
    read_bytes: kept === undefined ? undefined : text.tokens * shape.hidden_size * float,
    memory_bytes: walkMemory(shape, walkOf(params, text.tokens, longestOf(inputs.data, params)), { parameters }),
    written_bytes: smallFile,
    assumed: data.assumed,
  };
}

/** rolling-perplexity: each token goes through the layers once for every window that holds it, and once through the output head. */
export function rollingCost(query: CostQuery): Cost | undefined {
  const { params, inputs } = query;
  const shape = shapeOfFacts(inputs.model?.facts);
  const recovery = recoveryOf(inputs.recovery);
  const texts = runningText(query);
  if (shape === undefined || recovery === undefined || texts === undefined) return undefined;
  const length = Math.min(Number(params.context), texts.length);
  const tokens = texts.tokens * Math.max(1, length / Number(params.stride ?? params.context));
  const { parameters } = recovery;
  const head = forwardFlops(shape, { tokens: texts.tokens, length }, 0);
  return {
    flops:
      forwardFlops(shape, { tokens, length }, shape.layers, false) +
      head +
      (2 * parameters - sparedFlops(shape, inputs.recovery)) * tokens,
    memory_bytes: walkMemory(shape, walkOf(params, tokens, length), { parameters }),
    written_bytes: smallFile,
    assumed: texts.assumed,
  };
}

/** Tokens of all texts and of one: of a file by its bytes, of records by their number. */
function runningText(query: CostQuery): { tokens: number; length: number; assumed: string[] } | undefined {
  const { params, inputs, facts } = query;
  if (inputs.data === undefined) {
    const tokens = Math.ceil(Number(facts.bytes) / bytesPerToken);
    return Number.isNaN(tokens) ? undefined : { tokens, length: tokens, assumed: [`${bytesPerToken} bytes per token`] };
  }
  const data = recordsOf(inputs.data, {}, query);
  if (data === undefined) return undefined;
  const tokens = data.records * data.length;
  return { tokens, length: params.join === true ? tokens : data.length, assumed: data.assumed };
}

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
    flops: forwardFlops(shape, text) + (2 * recovery.parameters - sparedFlops(shape, inputs.recovery)) * text.tokens,
    memory_bytes: forwardMemory(
      shape,
      { sequences: Number(params.batch_size), length },
      { parameters: recovery.parameters },
    ),
    written_bytes: smallFile + records * 1024,
    assumed: [assumedLength(record_tokens), `${Math.round(each)} records of 4 choices per task`, 'nothing generated'],
  };
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
