// What planning wants to know of a model, without its weights and without the code that computes.
import { join } from 'node:path';
import type { CheckpointFacts } from '../../contract/facts.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { readText } from '../../formats/text/text.ts';
import { cachedGguf } from '../../hub/fetch-gguf.ts';
import { fetchModelConfig } from '../../hub/fetch-model.ts';
import { formatHubName, hubName, isCommit, isHubName } from '../../hub/name.ts';
import { hubSettings } from '../../hub/settings.ts';
import { parseConfig } from '../../model/architecture/config.ts';
import { knownModel } from '../../model/architecture/known-models.ts';
import type { TensorSizes } from '../../model/architecture/model-config.ts';
import { adapterIn, findAdapter } from '../../model/import/adapter-config.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
/** Where a model comes from, as the load stage is told. */
export interface ModelSource {
  readonly path: string;
  readonly adapter?: string;
  readonly random_seed?: number;
}

/** As large as a config.json may be (the import has the same limit). */
const largestConfig = 2 ** 20;

/** The facts that a checkpoint's record carries. */
export function modelFacts(config: TensorSizes): CheckpointFacts {
  const { num_hidden_layers, hidden_size, intermediate_size, intermediate_sizes, vocab_size } = config;
  const { num_attention_heads: heads, num_key_value_heads: kv_heads, head_dim, tie_word_embeddings: tied } = config;
  const widths = intermediate_sizes && { intermediate_sizes };
  const sizes = { layers: num_hidden_layers, hidden_size, intermediate_size, ...widths, vocab_size };
  // only what is not a Llama's, so that the records of Llamas stay as they are
  const model_type = config.model_type === 'llama' ? {} : { model_type: config.model_type };
  const biases = config.attention_bias === true ? { attention_bias: true } : {};
  return { ...sizes, heads, kv_heads, head_dim, tied, ...model_type, ...biases };
}

/**
 * The facts of the model folder or `hf://` name `path`, from its config.json (fetched when the name is pinned and the hub
 * answers), else from the table of known models; undefined when neither says: then the stage itself tells what is wrong.
 */
export async function factsOfModel(path: string): Promise<CheckpointFacts | undefined> {
  if (!isHubName(path)) return factsOfPlace(await modelPlace(path));
  const name = hubName(path);
  if (name.type !== 'model') {
    throw new UserError(`expected a model ('hf://org/name'), got the data set '${formatHubName(name)}'`);
  }
  const facts = isCommit(name.revision) ? await hubFacts(path) : undefined;
  if (facts !== undefined) return facts;
  const known = knownModel(name.repo);
  return known && modelFacts(known);
}

/** The folder of the weights: of an adapter that brings its base along, that base. */
async function modelPlace(folder: string): Promise<string> {
  const found = await findAdapter(folder).catch(() => undefined);
  return found?.base ?? folder;
}

/** What is to be known of a model's small files, in sentences, before hours of work; UserErrors for what lamina cannot run. */
export async function lookAtModel({ path, adapter, random_seed }: ModelSource): Promise<readonly string[]> {
  if (adapter !== undefined && !isHubName(adapter)) await adapterIn(adapter);
  if (isHubName(path)) return []; // its files are fetched when the stage runs, which then says the same
  // with what reads tokenizers
  const { readModelFolder } = await import('../../model/import/model-folder.ts');
  const { refusePart } = await import('../../model/import/gguf-model.ts');
  refusePart(path);
  const { warnings } = await readModelFolder(path, { weights: random_seed === undefined, tokenizer: false });
  return warnings;
}

async function hubFacts(path: string): Promise<CheckpointFacts | undefined> {
  try {
    const [name, settings] = [hubName(path), hubSettings()];
    if (name.path === '') return await factsOfConfig(await fetchModelConfig(name, { settings }));
    const cached = await cachedGguf(name, { settings }); // too large to be fetched for planning
    return cached === undefined ? undefined : await factsOfPlace(cached);
  } catch (error) {
    if (error instanceof UserError) return undefined; // gated, or out of reach
    throw error;
  }
}

/** Of a folder without config.json, which may hold a GGUF file, and of such a file. */
async function factsOfPlace(place: string): Promise<CheckpointFacts | undefined> {
  const facts = await factsOfConfig(join(place, 'config.json'));
  if (facts !== undefined) return facts;
  try {
    const { readModelFolder } = await import('../../model/import/model-folder.ts');
    const { config, dtype } = await readModelFolder(place, { tokenizer: false });
    return { ...modelFacts(config), ...storedType({ dtype }) };
  } catch {
    return undefined;
  }
}

async function factsOfConfig(path: string): Promise<CheckpointFacts | undefined> {
  try {
    const json = parseStrictJson(await readText(path, 'configuration', largestConfig), path, 16);
    return { ...modelFacts(parseConfig(json, path)), ...storedType(json) };
  } catch {
    return undefined;
  }
}

/** Bytes of a stored weight, where config.json says the type. */
function storedType(json: unknown): CheckpointFacts {
  const type = isObject(json) ? (json.dtype ?? json.torch_dtype) : undefined;
  if (type === 'float32') return { weight_bytes: 4 };
  return type === 'float16' || type === 'bfloat16' ? { weight_bytes: 2 } : {};
}
