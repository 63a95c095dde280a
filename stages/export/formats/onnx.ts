// A model for ONNX Runtime: each stored tensor once, with the recovery parameters beside.
import { checkOnnxCodes } from '../../../model/codec/codes-fit.ts';
import type { OnnxSettings } from '../../../model/onnx/precision.ts';
import { Type } from '../../../schemas/type.ts';
import { copiedCost, exportCost, fourBits } from './cost.ts';
import { bytesOf, F16, F32, STORED } from './dtypes.ts';
import { ownFile } from './files.ts';
import type { ExportFormat, ExportParams } from './format.ts';
import { codeBlock, dequantizedNote, noteIf } from './notes.ts';
import { onnxProgram } from './onnx-program.ts';

/** ONNX Runtime does not compute in BF16 on processors. */
const dtypes = {
  F32,
  F16,
  STORED,
  INT4: { bytes: fourBits, summary: '4-bit blocks for MatMulNBits' },
  '8DA4W': { bytes: fourBits, summary: '4-bit weights, and activations in int8 when the model runs' },
};

const options = {
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
};

/** The model, `format: onnx`. */
export const onnx: ExportFormat = {
  format: 'onnx',
  layout: 'expanded',
  summary: 'a model for ONNX Runtime',
  reader: 'ONNX Runtime',
  library: 'onnx',
  reference: "ONNX: opset 21 with Hugging Face Optimum's names",
  dtypes,
  dtypes_summary: 'onnx has F32, F16, INT4 and 8DA4W',
  options,
  keeps_parallel: true,
  common: ['config'],
  outputs: {
    onnx: ownFile('onnx', 'model.onnx: the graph', 'model.onnx'),
    onnx_data: ownFile('data', 'model.onnx.data: its weights, each stored tensor once', 'model.onnx.data'),
  },
  checkCodes: (quantization) => void checkOnnxCodes(quantization),
  cost(query) {
    const copied = query.params.dtype === 'STORED' ? copiedCost(query) : undefined;
    return copied ?? exportCost(query, bytesOf(dtypes, query), { isOnce: true, isFolded: false });
  },
  async write({ source, params, folder, path, isShared, dequantized, onProgress }) {
    const { writeOnnx } = await import('../../../model/onnx/export.ts');
    const files = { ...folder, onnx: path('onnx'), onnx_data: path('onnx_data') };
    const made = await writeOnnx(source, files, params as OnnxSettings, onProgress);
    const { quantized_head, codes, ...sizes } = made;
    const notes = [
      ...dequantizedNote(dequantized),
      '`model.onnx` finds its weights in `model.onnx.data`, which must lie beside it under this name.',
      ...noteIf(isShared, 'Layers that share a matrix refer to the same bytes: each is stored once.'),
      ...(codes === undefined ? roundedNotes(params, quantized_head) : storedNotes(params, codes)),
    ];
    const isExact = params.dtype === '8DA4W' || codes?.operator === 'DequantizeLinear';
    return { sizes, notes, loading: codeBlock('python', onnxProgram(isExact)), factors: factorsOf(params) };
  },
};

/** Of a precision that is rounded here. */
function roundedNotes({ dtype, group_size, accuracy_level }: ExportParams, quantized_head: boolean): string[] {
  const matrices = `The matrices of attention and MLPs${quantized_head ? ', and the output head,' : ''} have 4 bits a weight and a float32 scale for each ${group_size} weights of a row; everything else is float32.`;
  return [
    ...noteIf(
      dtype === 'F16',
      'Norms and softmax are computed in float32, and the logits are float32; the cache is float16.',
    ),
    ...noteIf(dtype === 'INT4', `${matrices} ${multipliedText(accuracy_level)}`),
    ...noteIf(dtype === '8DA4W', `${matrices} ${roundedInputs('Their inputs')}`),
  ];
}

/** Of the codes of a quantised checkpoint, and the operator that multiplies with those of the layers. */
function storedNotes(
  { accuracy_level }: ExportParams,
  { scheme, operator }: { scheme: string; operator: string | undefined },
): string[] {
  return [
    `These are the codes of the quantised model (${scheme}) that was measured, and everything else has the type that it had there: nothing was rounded on the way. The graph computes in float32.`,
    ...noteIf(operator === 'MatMulNBits', multipliedText(accuracy_level)),
    ...noteIf(operator === 'MatMulBnb4', 'Operator: MatMulBnb4 of com.microsoft, which ONNX Runtime alone has.'),
    ...noteIf(operator === 'DequantizeLinear', roundedInputs('Inputs of quantised matrices')),
  ];
}

function multipliedText(accuracy_level: number): string {
  return `Operator: MatMulNBits of com.microsoft, accuracy_level ${accuracy_level}, which ONNX Runtime alone has.`;
}

function roundedInputs(inputs: string): string {
  return `${inputs} are rounded to int8, each token with a range of its own, by ONNX's own operators. ONNX Runtime on processors rounds them once more while it multiplies, unless \`session.qdq_matmulnbits_accuracy_level\` is 1.`;
}

/** The type of the recovery parameters: that of the graph. */
function factorsOf({ dtype }: ExportParams): string {
  if (dtype === 'STORED') return 'as stored';
  return dtype === 'F16' ? 'F16' : 'F32';
}
