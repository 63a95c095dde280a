// The work of export: the files of one format, a card that says what they are, and their sizes.
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import type { Facts, OutputPort } from '../../contract/stage.ts';
import type { ExportSizes } from '../../model/export/sizes.ts';
import { type ExportSource, openExportSource } from '../../model/export/source.ts';
import { type TextFiles, textNames } from '../../model/export/texts.ts';
import { dropsMlp } from '../../model/sharing/replacement.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { checkForm } from './check.ts';
import { exportStage } from './declare.ts';
import { commonFiles } from './formats/files.ts';
import type { ExportFormat, ExportJob, ExportParams, Written } from './formats/format.ts';
import { formatOf } from './formats/registry.ts';
import { modelCard } from './model-card.ts';

type Context = ContextOf<typeof exportStage>;
/** Paths by the name of an output. */
type Unit = { readonly outputs: Readonly<Record<string, string>> };

export async function exportModel(context: Context): Promise<void> {
  const [unit] = context.units;
  const params = context.params;
  const format = formatOf(params);
  if (format === undefined) throw new Error(`no format '${params.format}' with layout '${params.layout}'`);
  const { recovery } = context.inputs;
  if (recovery !== undefined) await startBackend(context);
  const source = await openExportSource(onlyFile(context.inputs.model), Object.values(recovery?.files ?? {}));
  try {
    checkForm(params, source.recovery);
    const written = await format.write(jobOf(context, unit, source, params));
    for (const message of written.warnings ?? []) context.warn(message);
    await writeFile(unit.outputs.card, modelCard(source, { params, format, written }));
    const file_names = fileNames(format, unit);
    await writeFile(unit.outputs.metrics, await metricsText(written.sizes, file_names, unit));
    await unit.done(factsOf(source, format, written, file_names));
  } finally {
    await source.close();
  }
}

function jobOf(context: Context, { outputs }: Unit, source: ExportSource, params: ExportParams): ExportJob {
  const path = (output: string) => outputs[output] as string;
  const texts = Object.keys(textNames).map((output) => [output, path(output)]);
  return {
    source,
    params,
    path,
    folder: {
      config: path('config'),
      weights: path('model'),
      ...(Object.fromEntries(texts) as Record<keyof TextFiles, string>),
    },
    isShared: source.recovery.replacements.some(dropsMlp),
    dequantized: params.dtype === 'STORED' ? undefined : source.checkpoint.quantization?.scheme,
    onProgress(done, total) {
      context.signal.throwIfAborted();
      context.progress({ done, total, of: 'tensor' });
    },
  };
}

/** The names of the written files in the folder that `lamina copy` makes, by output; a base has a folder of its own. */
function fileNames({ has_base }: ExportFormat, { outputs }: Unit): Record<string, string> {
  const ofBase = [...Object.keys(commonFiles), ...Object.keys(textNames)];
  const names: Record<string, string> = {};
  for (const [output, { extension, file_name }] of Object.entries<OutputPort>(exportStage.outputs)) {
    if (!existsSync(outputs[output] as string)) continue;
    const name = file_name ?? `${output}.${extension}`;
    names[output] = has_base && ofBase.includes(output) ? `base/${name}` : name;
  }
  return names;
}

async function metricsText(
  sizes: ExportSizes,
  names: Readonly<Record<string, string>>,
  { outputs }: Unit,
): Promise<string> {
  const files: Record<string, number> = {};
  for (const [output, name] of Object.entries(names)) files[name] = (await stat(outputs[output] as string)).size;
  const file_bytes = Object.values(files).reduce((total, size) => total + size, 0);
  return `${JSON.stringify({ ...sizes, file_bytes, files }, null, 2)}\n`;
}

function factsOf(
  { stored, recovery: { replacements } }: ExportSource,
  { has_base }: ExportFormat,
  { facts }: Written,
  file_names: Readonly<Record<string, string>>,
): Facts {
  return {
    ...(replacements.length > 0 && recoveryFacts(stored, replacements)),
    ...facts,
    ...(has_base && { file_names }),
  };
}
