// The work of export: the files of one format, a card that says what they are, and their sizes.
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import type { Facts, OutputPort } from '../../contract/stage.ts';
import type { GgufType } from '../../formats/tensors/gguf-blocks.ts';
import { writeCodes } from '../../model/export/codes.ts';
import { writeCompact } from '../../model/export/compact.ts';
import { writeGguf } from '../../model/export/gguf.ts';
import { type FloatType, writeHuggingFace } from '../../model/export/huggingface.ts';
import { writePeft } from '../../model/export/peft.ts';
import type { ExportSizes } from '../../model/export/sizes.ts';
import { type ExportSource, openExportSource } from '../../model/export/source.ts';
import { type TextFiles, textNames } from '../../model/export/texts.ts';
import { writeOnnx } from '../../model/onnx/export.ts';
import type { OnnxSettings } from '../../model/onnx/precision.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { type ExportParams, exportStage } from './declare.ts';
import { modelCard } from './model-card.ts';
import type { CardNotes } from './model-card-notes.ts';

type Context = ContextOf<typeof exportStage>;
/** Paths by the name of an output. */
type Task = { readonly outputs: Readonly<Record<string, string>> };

/** What one format's writer did. */
interface Written {
  readonly sizes: ExportSizes;
  readonly notes: CardNotes;
  readonly warnings?: readonly string[];
}

const otherTokenizer =
  "llama.cpp has no pre-tokenizer of this model's pattern, and that of GPT-2 is named: some texts become other tokens there";

type OnProgress = (done: number, total: number) => void;

export async function exportModel(context: Context): Promise<void> {
  const [task] = context.tasks;
  const params = context.params;
  const { recovery } = context.inputs;
  if (recovery !== undefined) await startBackend(context);
  const source = await openExportSource(onlyFile(context.inputs.model), Object.values(recovery?.files ?? {}));
  try {
    const {
      sizes,
      notes,
      warnings = [],
    } = await writeFormat(source, params, task, (done, total) => {
      context.signal.throwIfAborted();
      context.progress({ done, total, of: 'tensor' });
    });
    for (const message of warnings) context.warn(message);
    if (notes.exact_tokenizer === false) context.warn(otherTokenizer);
    const dequantized = params.dtype === 'STORED' ? undefined : source.checkpoint.quantization?.scheme;
    await writeFile(task.outputs.card, modelCard(source, { params, sizes, notes: { ...notes, dequantized } }));
    const file_names = fileNames(params, task);
    await writeFile(task.outputs.metrics, await metricsText(sizes, file_names, task));
    await task.done(factsOf(source, params, notes, file_names));
  } finally {
    await source.close();
  }
}

async function writeFormat(
  source: ExportSource,
  params: ExportParams,
  { outputs }: Task,
  onProgress: OnProgress,
): Promise<Written> {
  const { format, layout, dtype, name } = params;
  const path = (output: string) => outputs[output] as string;
  const texts = Object.keys(textNames).map((output) => [output, path(output)]);
  const model = {
    config: path('config'),
    weights: path('model'),
    ...(Object.fromEntries(texts) as Record<keyof TextFiles, string>),
  };
  const padded = source.padded;
  // that the precision is one of the format's was checked when the run was planned
  if (format === 'gguf') {
    const { unblocked, exact_tokenizer, warnings, ...sizes } = await writeGguf(source, path('gguf'), {
      type: dtype as GgufType,
      name,
      onProgress,
    });
    return { sizes, notes: { padded, unblocked, exact_tokenizer }, warnings };
  }
  if (format === 'onnx') {
    const files = { ...model, onnx: path('onnx'), onnx_data: path('onnx_data') };
    const { quantized_head, codes, ...sizes } = await writeOnnx(source, files, params as OnnxSettings, onProgress);
    return { sizes, notes: { quantized_head, codes } };
  }
  if (format === 'peft') {
    const files = { ...model, adapter_config: path('adapter_config'), adapter_model: path('adapter_model') };
    const { folded, ...sizes } = await writePeft(source, files, dtype as FloatType | 'STORED', onProgress);
    return { sizes, notes: { padded, folded } };
  }
  if (dtype === 'STORED') {
    const files = { ...model, quantize_config: path('quantize_config') };
    return { sizes: await writeCodes(source, files, onProgress), notes: {} };
  }
  const type = dtype as FloatType;
  if (layout === 'compact') {
    const files = { ...model, weights: path('shared'), map: path('sharp') };
    return { sizes: await writeCompact(source, files, type, onProgress), notes: {} };
  }
  return { sizes: await writeHuggingFace(source, model, type, { onProgress }), notes: { padded } };
}

/** The names of the written files in the folder that `lamina copy` makes, by output; a base has a folder of its own. */
function fileNames({ format }: ExportParams, { outputs }: Task): Record<string, string> {
  const ofBase = ['config', 'model', ...Object.keys(textNames)];
  const names: Record<string, string> = {};
  for (const [output, { extension, file_name }] of Object.entries<OutputPort>(exportStage.outputs)) {
    if (!existsSync(outputs[output] as string)) continue;
    const name = file_name ?? `${output}.${extension}`;
    names[output] = format === 'peft' && ofBase.includes(output) ? `base/${name}` : name;
  }
  return names;
}

async function metricsText(
  sizes: ExportSizes,
  names: Readonly<Record<string, string>>,
  { outputs }: Task,
): Promise<string> {
  const files: Record<string, number> = {};
  for (const [output, name] of Object.entries(names)) files[name] = (await stat(outputs[output] as string)).size;
  const file_bytes = Object.values(files).reduce((total, size) => total + size, 0);
  return `${JSON.stringify({ ...sizes, file_bytes, files }, null, 2)}\n`;
}

function factsOf(
  { stored, recovery: { replacements } }: ExportSource,
  { format }: ExportParams,
  { padded = [], folded = [], unblocked = [], exact_tokenizer = true }: CardNotes,
  file_names: Readonly<Record<string, string>>,
): Facts {
  return {
    ...(replacements.length > 0 && recoveryFacts(stored, replacements)),
    ...(padded.length > 0 && { padded_layers: padded }),
    ...(folded.length > 0 && { folded_layers: folded }),
    ...(unblocked.length > 0 && { f16_tensors: unblocked }),
    ...(!exact_tokenizer && { exact_tokenizer }),
    ...(format === 'peft' && { file_names }),
  };
}
