// The sentences of a model card that depend on the format: what the format could not hold, and how its files are loaded.
import type { ExportParams } from './declare.ts';

/** What a format had to do to the weights; each is said in the card. */
export interface CardNotes {
  readonly padded?: readonly number[];
  readonly folded?: readonly number[];
  readonly unblocked?: readonly string[];
  readonly exact_tokenizer?: boolean;
  /** The scheme of a quantised model that is written in another type. */
  readonly dequantized?: string | undefined;
  /** ONNX: the output head is quantised too. */
  readonly quantized_head?: boolean;
  /** ONNX with STORED: the scheme of the codes, and the operator that multiplies with those of the layers. */
  readonly codes?: { readonly scheme: string; readonly operator: string | undefined } | undefined;
}

type Format = Pick<ExportParams, 'format' | 'layout' | 'dtype' | 'group_size' | 'accuracy_level'>;

/** One sentence or two for each thing that a reader should know. */
export function notesOf(
  {
    padded = [],
    folded = [],
    unblocked = [],
    exact_tokenizer = true,
    dequantized,
    quantized_head = false,
    codes,
  }: CardNotes,
  params: Format,
  { isShared, hasTokenizer }: { isShared: boolean; hasTokenizer: boolean },
): string[] {
  const { format, layout } = params;
  const where = format === 'peft' ? 'in `base`' : 'here';
  const notes: [boolean, string][] = [
    [
      isShared && layout === 'expanded' && format !== 'onnx',
      `Every layer has an MLP of its own ${where}, because the format knows no sharing: the first size is what sharing needs, the second what these weights take.`,
    ],
    [padded.length > 0, `The MLPs of ${layersText(padded)} are narrower; zeros fill them up, which changes no output.`],
    [
      folded.length > 0,
      `The factors alpha of ${layersText(folded)} are not 1, which PEFT cannot hold: in \`base\` the MLPs there are multiplied by them, so this adapter belongs on this base only.`,
    ],
    [
      unblocked.length > 0,
      `${unblocked.length} matrices have rows that are no multiple of 32 numbers, and are stored as F16.`,
    ],
    [
      !exact_tokenizer,
      "llama.cpp has no pre-tokenizer of this model's pattern; the file names GPT-2's. Some texts are split into other tokens than in training: give it token ids, or compare both first.",
    ],
    [
      dequantized !== undefined,
      `The model was quantised (${dequantized}) and is written in another type: these bytes are not those of the model that was measured.`,
    ],
    ...onnxNotes(params, { isShared, quantized_head, codes }),
    [!hasTokenizer, 'The model came without a tokenizer.'],
  ];
  return notes.filter(([applies]) => applies).map(([, text]) => text);
}

function onnxNotes(
  { format, dtype, group_size, accuracy_level }: Format,
  { isShared, quantized_head, codes }: { isShared: boolean } & Pick<CardNotes, 'quantized_head' | 'codes'>,
): [boolean, string][] {
  const isOnnx = format === 'onnx';
  const matrices = `The matrices of attention and MLPs${quantized_head ? ', and the output head,' : ''} have 4 bits a weight and a float32 scale for each ${group_size} weights of a row; everything else is float32.`;
  return [
    [isOnnx, '`model.onnx` finds its weights in `model.onnx.data`, which must lie beside it under this name.'],
    [isOnnx && isShared, 'Layers that share a matrix refer to the same bytes: each is stored once.'],
    [
      isOnnx && dtype === 'F16',
      'Norms and softmax are computed in float32, and the logits are float32; the cache is float16.',
    ],
    [
      isOnnx && dtype === 'INT4',
      `${matrices} Operator: MatMulNBits of com.microsoft, accuracy_level ${accuracy_level}, which ONNX Runtime alone has.`,
    ],
    [
      codes !== undefined,
      `These are the codes of the quantised model (${codes?.scheme}) that was measured, and everything else has the type that it had there: nothing was rounded on the way. The graph computes in float32.`,
    ],
    [
      codes?.operator === 'MatMulNBits',
      `Operator: MatMulNBits of com.microsoft, accuracy_level ${accuracy_level}, which ONNX Runtime alone has.`,
    ],
    [codes?.operator === 'MatMulBnb4', 'Operator: MatMulBnb4 of com.microsoft, which ONNX Runtime alone has.'],
    [isOnnx && dtype === '8DA4W', `${matrices} ${roundedInputs('Their inputs')}`],
    [codes?.operator === 'DequantizeLinear', roundedInputs('Inputs of quantised matrices')],
  ];
}

const roundedInputs = (inputs: string) =>
  `${inputs} are rounded to int8, each token with a range of its own, by ONNX's own operators. ONNX Runtime on processors rounds them once more while it multiplies, unless \`session.qdq_matmulnbits_accuracy_level\` is 1.`;

/** How to load it, with FOLDER for the folder that the card is in. */
export function loadingText({ format, layout, dtype }: Format, { codes }: Pick<CardNotes, 'codes'>): string {
  if (format === 'gguf') return code('sh', ['llama-cli -m FOLDER/model.gguf -p "..."']);
  if (format === 'peft') return code('python', dtype === 'STORED' ? [codesLine, ...peftLines] : peftLines);
  if (format === 'onnx') return code('python', onnxLines(dtype === '8DA4W' || codes?.operator === 'DequantizeLinear'));
  if (layout === 'compact') return compactText;
  return code('python', dtype === 'STORED' ? [codesLine, ...transformersLines] : transformersLines);
}

/** `layer 3`, `layers 3, 5`. */
export function layersText(layers: readonly number[]): string {
  return `${layers.length === 1 ? 'layer' : 'layers'} ${layers.join(', ')}`;
}

const codesLine = '# needs the package that config.json names: bitsandbytes, or for gptq one such as gptqmodel';
const transformersLines = [
  'from transformers import AutoModelForCausalLM, AutoTokenizer',
  '',
  "model = AutoModelForCausalLM.from_pretrained('FOLDER')",
  "tokenizer = AutoTokenizer.from_pretrained('FOLDER')",
];

const peftLines = [
  'from peft import PeftModel',
  'from transformers import AutoModelForCausalLM',
  '',
  "base = AutoModelForCausalLM.from_pretrained('FOLDER/base')",
  "model = PeftModel.from_pretrained(base, 'FOLDER')",
];

const exactLines = [
  'options = onnxruntime.SessionOptions()',
  "options.add_session_config_entry('session.qdq_matmulnbits_accuracy_level', '1')",
];

/** Greedy generation; `isExact` asks the runtime to leave activations as the graph rounds them. */
const onnxLines = (isExact: boolean) => [
  'import numpy as np',
  'import onnxruntime',
  'from tokenizers import Tokenizer',
  '',
  ...(isExact ? exactLines : []),
  `session = onnxruntime.InferenceSession('FOLDER/model.onnx'${isExact ? ', options' : ''})`,
  "tokenizer = Tokenizer.from_file('FOLDER/tokenizer.json')",
  "types = {'tensor(float)': np.float32, 'tensor(float16)': np.float16}",
  'caches = session.get_inputs()[3:]  # past_key_values.0.key, past_key_values.0.value, ...',
  'past = {each.name: np.zeros((1, each.shape[1], 0, each.shape[3]), types[each.type]) for each in caches}',
  "ids = new = tokenizer.encode('...').ids",
  'for _ in range(50):',
  '    feeds = {',
  "        'input_ids': np.array([new]),",
  "        'attention_mask': np.ones((1, len(ids)), np.int64),",
  "        'position_ids': np.arange(len(ids) - len(new), len(ids))[None],",
  '    }',
  '    logits, *present = session.run(None, feeds | past)',
  '    past = dict(zip(past, present))',
  '    new = [int(logits[0, -1].argmax())]',
  '    ids = ids + new',
  'print(tokenizer.decode(ids))',
];

const compactLines = [
  'stages:',
  '  base: { use: load, with: { path: FOLDER } }',
  '  ppl: { use: perplexity-eval, in: { model: base, recovery: base, data: data.eval } }',
];

const compactText = `In a pipeline of lamina:\n\n${code('yaml', compactLines)}\n\n\`sharp.json\` says what stands where. transformers does not load this folder.`;

function code(language: string, lines: readonly string[]): string {
  return ['```', language, '\n', lines.join('\n'), '\n```'].join('');
}
