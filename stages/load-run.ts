// The work of load: check and convert a Hugging Face folder, tensor by tensor; one on the hub is fetched first.
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadTokenizer, parseTokenizerConfig } from '../formats/tokenizer.ts';
import { fetchModel, fetchModelConfig } from '../hub/fetch-model.ts';
import { hubName, isHubName } from '../hub/name.ts';
import { resolveRevision } from '../hub/revision.ts';
import { hubSettings } from '../hub/settings.ts';
import { importHuggingFace, readHuggingFaceFolder } from '../model/huggingface.ts';
import { importCompact, isCompactFolder } from '../model/import-compact.ts';
import { writeRandomLlama } from '../model/random-llama.ts';
import type { StageContext, UnitTask } from '../spec/stage.ts';
import { UserError } from '../util/errors.ts';
import { downloadProgress } from './download-progress.ts';
import type { LoadParams } from './load.ts';
import { modelFacts } from './model-facts.ts';
import { recoveryFacts } from './recovery-facts.ts';

export async function run(context: StageContext): Promise<void> {
  const { params, tasks, progress, signal } = context;
  const { path, random_seed } = params as LoadParams;
  const [task] = tasks;
  if (task === undefined) return;
  if (random_seed !== undefined) return makeUp(path, random_seed, context, task);
  const folder = isHubName(path) ? await fetchFolder(path, context) : path;
  await checkTokenizer(folder);
  const onProgress = (done: number, total: number) => {
    progress({ done, total, of: 'tensor' });
    signal.throwIfAborted();
  };
  const { model = '', recovery = '' } = task.outputs;
  if (await isCompactFolder(folder)) {
    const { config, replacements } = await importCompact(folder, { model, recovery }, onProgress);
    await task.done({ ...modelFacts(config), ...recoveryFacts(config, replacements) });
    return;
  }
  await task.done(modelFacts(await importHuggingFace(folder, model, { onProgress })));
}

/** Random weights in the shape that config.json says; nothing else of a model on the hub is fetched. */
async function makeUp(path: string, seed: number, { progress, signal }: StageContext, task: UnitTask): Promise<void> {
  const onHub = isHubName(path);
  const { config, tokenizer } = await readHuggingFaceFolder(onHub ? await fetchConfigFolder(path, signal) : path);
  // a tokenizer that the hub's cache happens to hold is left, or the result would depend on the cache
  const files = onHub ? { tokenizer_json: null, tokenizer_config_json: null } : tokenizer;
  await writeRandomLlama(task.outputs.model as string, { config, tokenizer: files }, seed, (done, total) => {
    progress({ done, total, of: 'tensor' });
    signal.throwIfAborted();
  });
  await task.done({ ...modelFacts(config), random_seed: seed });
}

async function fetchConfigFolder(path: string, signal: AbortSignal): Promise<string> {
  const settings = hubSettings();
  const name = hubName(path);
  const revision = await resolveRevision(name, settings);
  return dirname(await fetchModelConfig({ ...name, revision }, { settings, signal }));
}

async function fetchFolder(path: string, { signal, progress }: StageContext): Promise<string> {
  const settings = hubSettings();
  const name = hubName(path);
  const revision = await resolveRevision(name, settings);
  return fetchModel({ ...name, revision }, { settings, signal, onProgress: downloadProgress(progress) });
}

/** Said here, where the folder's name is known, and before hours of work. Other missing files are the import's to name. */
async function checkTokenizer(folder: string): Promise<void> {
  const { tokenizer } = await readHuggingFaceFolder(folder);
  if (tokenizer.tokenizer_json !== null) {
    loadTokenizer(tokenizer.tokenizer_json, join(folder, 'tokenizer.json'));
    parseTokenizerConfig(tokenizer.tokenizer_config_json, join(folder, 'tokenizer_config.json'));
    return;
  }
  const names = await readdir(folder);
  const hint = names.includes('tokenizer.model') ? "convert its 'tokenizer.model' first" : "copy the model's own there";
  throw new UserError(`model folder '${folder}': expected 'tokenizer.json', got none; ${hint}`);
}
