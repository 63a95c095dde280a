// The work of load: check and convert a Hugging Face folder, tensor by tensor.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadTokenizer } from '../formats/tokenizer.ts';
import { type LlamaConfig, parseLlamaConfig } from '../model/config.ts';
import { importHuggingFace } from '../model/huggingface.ts';
import type { Facts, StageContext } from '../spec/stage.ts';
import { UserError } from '../util/errors.ts';
import type { LoadParams } from './load.ts';

export async function run({ params, tasks, progress }: StageContext): Promise<void> {
  const { path } = params as LoadParams;
  const [task] = tasks;
  if (task === undefined) return;
  await checkTokenizer(path);
  const onProgress = (done: number, total: number) => progress({ done, total, of: 'tensor' });
  const config = await importHuggingFace(path, task.outputs.model as string, { onProgress });
  await task.done(modelFacts(config));
}

/** Said here, where the folder's name is known, and before hours of work. Other missing files are the import's to name. */
async function checkTokenizer(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [] as string[]);
  if (!names.includes('config.json')) return;
  if (!names.includes('tokenizer.json')) {
    const hint = names.includes('tokenizer.model')
      ? "convert its 'tokenizer.model' first"
      : "copy the model's own there";
    throw new UserError(`model folder '${folder}': expected 'tokenizer.json', got none; ${hint}`);
  }
  const path = join(folder, 'tokenizer.json');
  loadTokenizer(await readFile(path, 'utf8'), path);
}

/** What planning wants to know of a model; from config.json alone, undefined when that cannot be read yet. */
export async function factsOfFolder(folder: string): Promise<Facts | undefined> {
  const path = join(folder, 'config.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return modelFacts(parseLlamaConfig(JSON.parse(text), path));
  } catch {
    return undefined; // the stage itself says what is wrong
  }
}

/** The facts that a checkpoint's record carries. */
export function modelFacts(config: LlamaConfig): Facts {
  const { num_hidden_layers, hidden_size, intermediate_size, vocab_size } = config;
  return { layers: num_hidden_layers, hidden_size, intermediate_size, vocab_size };
}
