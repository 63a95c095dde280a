// The work of export: config.json, model.safetensors and tokenizer.json of a checkpoint.
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exportHuggingFace } from '../model/huggingface.ts';
import type { StageContext } from '../spec/stage.ts';
import type { ExportParams } from './export.ts';
import { onlyFile } from './model-input.ts';

export async function run({ params, inputs, tasks, progress }: StageContext): Promise<void> {
  const [task] = tasks;
  if (task === undefined) return;
  const folder = await mkdtemp(join(dirname(task.outputs.model as string), 'export-'));
  const { padded } = await exportHuggingFace(onlyFile(inputs.model), folder, (params as ExportParams).dtype);
  // transformers knows one MLP width: the record says where zeros stand in for removed channels
  if (padded.length > 0) progress({ done: 1, total: 1, of: 'model', note: `${padded.length} MLPs padded with zeros` });
  await rename(join(folder, 'config.json'), task.outputs.config as string);
  await rename(join(folder, 'model.safetensors'), task.outputs.model as string);
  await rename(join(folder, 'tokenizer.json'), task.outputs.tokenizer as string);
  await rm(folder, { recursive: true });
  await task.done(padded.length > 0 ? { padded_layers: padded } : {});
}
