// latency: how long an exported model takes to load and to run, beside another one, in ONNX Runtime.
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { machine, object, threads } from '../common/options.ts';
import { latencyCost } from '../costs/evaluation.ts';

const params = object({
  prompt_tokens: Type.Integer({
    minimum: 1,
    maximum: 131072,
    default: 128,
    description: 'tokens of the prompt, in one pass: the forward time',
  }),
  decode_tokens: Type.Integer({
    minimum: 0,
    maximum: 131072,
    default: 32,
    description: 'tokens after it, one at a time with the cache of keys and values: the decode time',
  }),
  repetitions: Type.Integer({
    minimum: 2,
    maximum: 1000,
    default: 7,
    description: 'fresh processes per model; one more comes first and is not counted, so that the files are in memory',
  }),
  warmups: Type.Integer({
    minimum: 0,
    maximum: 1000,
    default: 1,
    description: 'passes over the prompt in each process before those that are timed',
  }),
  passes: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 3,
    description: 'passes over the prompt that are timed in each process; their median is its forward time',
  }),
  machine,
  threads: threads(1),
});

/** What is measured, as the metrics name it. */
export const timings = ['load', 'forward', 'total', 'decode'] as const;

const fields = timings.flatMap((name) => [
  `${name}_s`,
  `${name}_std_pct`,
  `${name}_min_s`,
  `${name}_max_s`,
  `${name}_ratio`,
  `${name}_ratio_stderr`,
  `${name}_ratio_q1`,
  `${name}_ratio_q3`,
  `${name}_cpu_s`,
  `${name}_cpu_ratio`,
  `${name}_cpu_ratio_stderr`,
]);

export const latency = declareStage({
  name: 'latency',
  version: 1,
  summary:
    'times an exported ONNX model - load, forward, decode - in fresh processes, in turn with a reference model, so that the ratios come from one run',
  reference: 'SHARP (arXiv 2502.07832), section 3.5 and Table 7; docs/latency.md',
  params,
  inputs: {
    model: { kind: 'file', summary: 'model.onnx of export' },
    model_data: { kind: 'file', summary: 'its model.onnx.data', optional: true },
    reference: { kind: 'file', summary: 'model.onnx that it is compared with: Original', optional: true },
    reference_data: { kind: 'file', summary: 'its model.onnx.data', optional: true },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary:
        'medians in seconds (of wall time, and of processor time as cpu), standard deviations in percent of the mean, ratios to the reference (median of the pairs, with quartiles), bytes of the very files that were loaded, memory, the machine, and every repetition',
      extension: 'json',
      fields: [
        ...fields,
        'tokens_per_s',
        'size_bytes',
        'size_mb',
        'size_ratio',
        'peak_mb',
        'memory_mb',
        'memory_ratio',
        'cpu_share',
      ],
    },
  },
  numeric: true,
  seeded: false,
  timing: true,
  cost: latencyCost,
});
