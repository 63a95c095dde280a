// export: a checkpoint, with or without shared layers, in the forms that other programs read.
import { type Static, Type } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import type { QuantizeFacts } from '../../contract/facts.ts';
import { checkAdapterCodes, checkLayoutCodes, checkOnnxCodes } from '../../model/codec/codes-fit.ts';
import { expectedQuantization } from '../../model/quantize/plan.ts';
import { UserError } from '../../util/errors.ts';
import { object, threads } from '../common/options.ts';
import { exportCost } from '../costs/checkpoints.ts';

const params = object({
  format: Type.Enum(['huggingface', 'peft', 'onnx', 'gguf'], {
    default: 'huggingface',
    description:
      'a folder for transformers, an adapter beside its base for PEFT (g0 only), a model for ONNX Runtime, or a file for llama.cpp',
  }),
  layout: Type.Enum(['expanded', 'compact'], {
    default: 'expanded',
    description:
      "of huggingface: an MLP of its own for every layer, or each stored MLP once with the recovery parameters beside (read by lamina's load)",
  }),
  dtype: Type.Enum(['F32', 'F16', 'BF16', 'STORED', 'INT4', '8DA4W', 'Q8_0', 'Q4_0'], {
    default: 'BF16',
    description:
      'precision of the weights on disk; onnx has F32, F16, INT4 and 8DA4W, gguf has Q8_0 and Q4_0 beside the floats. STORED, of huggingface, onnx and (NF4) peft: the codes of a quantised model as they are. INT4: 4-bit blocks for MatMulNBits; 8DA4W: 4-bit weights, and activations in int8 when the model runs',
  }),
  group_size: Type.Enum([16, 32, 64, 128, 256], {
    default: 32,
    description: 'INT4 and 8DA4W: columns of a row that share a scale; 8DA4W wants one that divides them',
  }),
  head: Type.Optional(
    Type.Boolean({
      description: 'INT4 and 8DA4W: quantise the output head too; not given: with 8DA4W. A tied head stays F32',
    }),
  ),
  accuracy_level: Type.Enum([0, 1, 2, 3, 4], {
    default: 0,
    description:
      'INT4 and STORED: the least precision in which MatMulNBits multiplies: 0 as the runtime likes, 1 float32, 2 float16, 3 bfloat16, 4 int8',
  }),
  name: Type.String({
    minLength: 1,
    maxLength: 96,
    pattern: '^[^\\p{C}]+$',
    default: 'lamina model',
    description: "the model's name in its card and in a gguf file",
  }),
  threads: threads(1),
});
export type ExportParams = Static<typeof params>;

const file = (extension: string, summary: string, file_name?: string) =>
  ({ kind: 'file', summary, extension, optional: true, ...(file_name === undefined ? {} : { file_name }) }) as const;

export const exportStage = declareStage({
  name: 'export',
  version: 5,
  summary:
    'writes a model, with its recovery folded in or beside it, for transformers, PEFT, ONNX Runtime or llama.cpp; which outputs there are depends on the format',
  reference:
    "GGUF: ggml, docs/gguf.md; adapters: PEFT, LoRA; ONNX: opset 21 with Hugging Face Optimum's names; the compact folder: docs/export.md",
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
  },
  outputs: {
    config: file('json', 'config.json of huggingface and onnx, and of the base of peft'),
    onnx: file('onnx', 'model.onnx: the graph', 'model.onnx'),
    onnx_data: file('data', 'model.onnx.data: its weights, each stored tensor once', 'model.onnx.data'),
    model: file('safetensors', 'model.safetensors of huggingface (expanded), and of the base of peft'),
    shared: file('safetensors', 'shared.safetensors of huggingface (compact)'),
    sharp: file('json', 'sharp.json of huggingface (compact): which layers share, with which parameters'),
    adapter_config: file('json', 'adapter_config.json of peft'),
    adapter_model: file('safetensors', 'adapter_model.safetensors of peft'),
    gguf: file('gguf', 'model.gguf', 'model.gguf'),
    quantize_config: file(
      'json',
      "quantize_config.json of huggingface with dtype: STORED, where AutoGPTQ's layout is used",
    ),
    tokenizer: file('json', 'tokenizer.json, where the model has one; part of a gguf file'),
    tokenizer_config: file(
      'json',
      'tokenizer_config.json, where the model has one; with the chat templates that have names',
    ),
    special_tokens_map: file('json', 'special_tokens_map.json, where the model has one'),
    added_tokens: file('json', 'added_tokens.json, where the model has one'),
    generation_config: file('json', 'generation_config.json, where the model has one: the tokens that end a text'),
    chat_template: file('jinja', 'chat_template.jinja, where the model has one; part of a gguf file'),
    card: {
      kind: 'file',
      summary: 'README.md: what was done, and how to load it',
      extension: 'md',
      file_name: 'README.md',
    },
    metrics: {
      kind: 'metrics',
      summary:
        'bytes of the weights with each stored tensor once (unique) and with an MLP for every layer (expanded), and of every file',
      extension: 'json',
      fields: ['unique_bytes', 'expanded_bytes', 'file_bytes'],
    },
  },
  numeric: true,
  seeded: false,
  check: checkExport,
  async expect(params, { model }) {
    if (model?.quantize !== undefined) checkCodes(params, model.quantize);
    return {};
  },
  cost: exportCost,
});

const floats = ['F32', 'F16', 'BF16'] as const;
/** The precisions of each format; ONNX Runtime does not compute in BF16 on processors. */
const dtypesOf: Readonly<Record<ExportParams['format'], readonly ExportParams['dtype'][]>> = {
  huggingface: [...floats, 'STORED'],
  peft: [...floats, 'STORED'],
  onnx: ['F32', 'F16', 'STORED', 'INT4', '8DA4W'],
  gguf: [...floats, 'Q8_0', 'Q4_0'],
};

/** Refuses parameters that do not go together. */
function checkExport({ format, layout, dtype }: ExportParams): void {
  const expected = dtypesOf[format];
  if (!expected.includes(dtype)) {
    const of = Object.keys(dtypesOf).filter((each) => dtypesOf[each as ExportParams['format']].includes(dtype));
    const list = `${expected.slice(0, -1).join(', ')} or ${expected.at(-1)}`;
    throw new UserError(`dtype: ${dtype} is of format: ${of.join(', ')}, expected ${list} for format: ${format}`);
  }
  if (dtype === 'STORED' && layout === 'compact') {
    throw new UserError('dtype: STORED expects layout: expanded, because the compact folder has no codes');
  }
  if (format !== 'huggingface' && layout === 'compact') {
    throw new UserError(`layout: compact is of format: huggingface, expected layout: expanded for format: ${format}`);
  }
}

/** Refuses codes that the format cannot hold, of a model that `quantize` is going to make. */
function checkCodes({ format, dtype }: ExportParams, settings: QuantizeFacts): void {
  if (dtype !== 'STORED') return;
  const quantization = expectedQuantization(settings);
  if (format === 'peft') checkAdapterCodes(quantization);
  if (format === 'onnx') checkOnnxCodes(quantization);
  else checkLayoutCodes(quantization);
}
