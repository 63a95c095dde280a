// The work of load: check and convert a Hugging Face folder or a GGUF file, tensor by tensor; one on the hub is fetched first.
import { dirname } from 'node:path';
import type { ContextOf, WorkOf } from '../../contract/define.ts';
import { fetchAdapter, fetchModel, fetchModelConfig } from '../../hub/fetch-model.ts';
import { hubName, isHubName } from '../../hub/name.ts';
import { resolveRevision } from '../../hub/revision.ts';
import { hubSettings } from '../../hub/settings.ts';
import { writeRandomModel } from '../../model/checkpoint/random-model.ts';
import { type AdapterFiles, adapterIn } from '../../model/import/adapter-config.ts';
import { importCompact, isCompactFolder } from '../../model/import/compact.ts';
import { refusePart } from '../../model/import/gguf-model.ts';
import { importModel } from '../../model/import/huggingface.ts';
import { readModelFolder } from '../../model/import/model-folder.ts';
import type { FolderSummary } from '../../model/import/summary.ts';
import { UserError } from '../../util/errors.ts';
import { downloadProgress } from '../common/download-progress.ts';
import { modelFacts } from '../common/model-facts.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import type { load } from './declare.ts';

type Context = ContextOf<typeof load>;
type Unit = WorkOf<typeof load>;

export async function loadModel(context: Context): Promise<void> {
  const { params, units, progress, signal } = context;
  const { path, random_seed } = params;
  const [unit] = units;
  if (random_seed !== undefined) return makeUp(path, random_seed, context, unit);
  if (!isHubName(path)) refusePart(path);
  const folder = isHubName(path) ? await fetchFolder(path, context) : path;
  const summary = await readModelFolder(folder);
  const adapter = await adapterOf(context, summary);
  checkTokenizer(summary);
  const onProgress = (done: number, total: number) => {
    progress({ done, total, of: 'tensor' });
    signal.throwIfAborted();
  };
  const onWarning = (message: string) => context.warn(message);
  const { model = '', recovery = '' } = unit.outputs;
  if (await isCompactFolder(folder)) {
    if (adapter !== undefined)
      throw new UserError("'adapter' belongs to whole models, and this folder is a compact one");
    const { config, replacements } = await importCompact(folder, { model, recovery }, onProgress, onWarning, summary);
    await unit.done({ ...modelFacts(config), ...recoveryFacts(config, replacements) });
    return;
  }
  await unit.done(modelFacts(await importModel(summary, model, { adapter, onProgress, onWarning })));
}

/** The adapter that is named; one of them, since two would be a model that nobody trained. */
async function adapterOf(
  context: Context,
  { folder, adapter: beside }: FolderSummary,
): Promise<AdapterFiles | undefined> {
  const { adapter } = context.params;
  if (adapter === undefined) return undefined;
  const files = await adapterIn(isHubName(adapter) ? await fetchAdapterFolder(adapter, context) : adapter);
  if (beside === undefined) return files;
  throw new UserError(
    `model folder '${folder}' has an adapter of its own, expected one of the two: take away 'adapter', or the adapter beside the weights`,
  );
}

/** Random weights in the shape that config.json says; nothing else of a model on the hub is fetched. */
async function makeUp(path: string, seed: number, context: Context, unit: Unit): Promise<void> {
  const { progress, signal } = context;
  const onHub = isHubName(path);
  const folder = onHub ? await fetchConfigFolder(path, signal) : path;
  const { config, tokenizer, warnings } = await readModelFolder(folder, { weights: false, tokenizer: !onHub });
  // a tokenizer that the hub's cache happens to hold is left, or the result would depend on the cache
  const files = onHub ? { tokenizer_json: null, tokenizer_config_json: null } : tokenizer;
  for (const message of warnings) context.warn(message);
  await writeRandomModel(unit.outputs.model, { config, tokenizer: files }, seed, (done, total) => {
    progress({ done, total, of: 'tensor' });
    signal.throwIfAborted();
  });
  await unit.done({ ...modelFacts(config), random_seed: seed });
}

async function fetchConfigFolder(path: string, signal: AbortSignal): Promise<string> {
  const settings = hubSettings();
  const name = hubName(path);
  const revision = await resolveRevision(name, settings);
  return dirname(await fetchModelConfig({ ...name, revision }, { settings, signal }));
}

async function fetchFolder(path: string, { signal, progress }: Context): Promise<string> {
  const settings = hubSettings();
  const name = hubName(path);
  const revision = await resolveRevision(name, settings);
  return fetchModel({ ...name, revision }, { settings, signal, onProgress: downloadProgress(progress) });
}

async function fetchAdapterFolder(path: string, { signal, progress }: Context): Promise<string> {
  const settings = hubSettings();
  const name = hubName(path);
  const revision = await resolveRevision(name, settings);
  return fetchAdapter({ ...name, revision }, { settings, signal, onProgress: downloadProgress(progress) });
}

/** Said here, where the folder's name is known, and before hours of work. Other missing files are the import's to name. */
function checkTokenizer({ folder: place, tokenizer }: FolderSummary): void {
  if (tokenizer.tokenizer_json !== null) return;
  if (place.endsWith('.gguf')) {
    throw new UserError(
      `GGUF file '${place}': expected a tokenizer ('tokenizer.ggml.model'), got none; take another file of this model`,
    );
  }
  throw new UserError(`model folder '${place}': expected 'tokenizer.json', got none; copy the model's own there`);
}
