// What the small files of a Hugging Face model folder say: which model it is, settled where two of them state one fact.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ggufInFolder } from '../../formats/tensors/gguf-parts.ts';
import { openSafetensorsFolder } from '../../formats/tensors/safetensors-folder.ts';
import { isRecord, parseStrictJson } from '../../formats/text/strict-json.ts';
import { readTextIfThere } from '../../formats/text/text.ts';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { parseConfig } from '../architecture/config.ts';
import { quantizationKeys } from '../architecture/config-keys.ts';
import type { TokenizerFiles } from '../checkpoint/checkpoint.ts';
import { readCompanions } from '../checkpoint/companions.ts';
import { findAdapter } from './adapter-config.ts';
import { foreignWeights } from './foreign-weights.ts';
import { readGgufModel } from './gguf-model.ts';
import { readSentencePiece } from './sentencepiece-file.ts';
import { settleFiles } from './settle-files.ts';
import type { FolderOptions, FolderSummary } from './summary.ts';

const largestConfig = 2 ** 20;
const largestTokenizer = 2 ** 28;

/** Reads and settles the small files of the folder, or the header of the GGUF file, `place`; UserErrors for what lamina cannot run. */
export async function readModelFolder(place: string, options: FolderOptions = {}): Promise<FolderSummary> {
  const file = await ggufAt(place);
  if (file === undefined && (await isFile(place))) {
    throw new UserError(
      `model '${place}': it is a file, expected a folder with 'config.json' and its weights, or a GGUF file, whose name ends with '.gguf'`,
    );
  }
  return file === undefined ? readFolder(place, options) : readGgufModel(file, options);
}

/** The GGUF file that `place` is, or holds in the place of a model folder's files. */
async function ggufAt(place: string): Promise<string | undefined> {
  if (place.endsWith('.gguf') && (await isFile(place))) return place;
  return (await isFile(join(place, 'config.json'))) ? undefined : ggufInFolder(place);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function readFolder(
  folder: string,
  { weights = true, tokenizer: wanted = true }: FolderOptions,
): Promise<FolderSummary> {
  const found = await findAdapter(folder);
  const base = found?.base ?? folder;
  const path = join(base, 'config.json');
  const text = await readTextIfThere(path, 'configuration', largestConfig);
  if (text === undefined) throw await noModel(folder, found);
  const json = parseStrictJson(text, path, 16);
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  if (weights) refuseQuantized(json, path);
  const parsed = parseConfig(json, path, warn);
  const { config, tokenizer } = settleFiles(parsed, await readTokenizerFiles(base, wanted), base, warn);
  const { dtype, torch_dtype } = json as Record<string, unknown>;
  const named = dtype ?? torch_dtype;
  return {
    folder: base,
    config,
    dtype: typeof named === 'string' ? named : undefined,
    tokenizer,
    adapter: weights ? found?.files : undefined,
    warnings,
    openWeights: (say) => openSafetensorsFolder(base, say, foreignWeights),
  };
}

async function readTokenizerFiles(folder: string, wanted: boolean): Promise<TokenizerFiles> {
  const read = async (name: string) =>
    (await readTextIfThere(join(folder, name), 'tokenizer', largestTokenizer)) ?? null;
  const [json, settings] = [wanted ? await read('tokenizer.json') : null, await read('tokenizer_config.json')];
  const converted = wanted && json === null ? await readSentencePiece(folder, settings) : undefined;
  return {
    tokenizer_json: json ?? converted?.json ?? null,
    tokenizer_config_json: settings ?? converted?.settings ?? null,
    companions: await readCompanions(folder),
  };
}

async function noModel(folder: string, found: Awaited<ReturnType<typeof findAdapter>>): Promise<UserError> {
  if (found !== undefined) {
    const { named } = found;
    const what = named === undefined ? 'names no base' : `is of the model ${shown(named)}`;
    return new UserError(
      `model folder '${folder}' holds an adapter without its base: it ${what}; give that model as 'path' and this folder as 'adapter'`,
    );
  }
  const hint = foreignWeights(await readdir(folder).catch(() => []));
  return new UserError(
    `model folder '${folder}' has no config.json, expected a folder in Hugging Face's layout${hint === undefined ? '' : `; ${hint}`}`,
  );
}

/** Such weights are codes and scales under other names: what each of them would be read as is no weight. */
function refuseQuantized(json: unknown, path: string): void {
  const key = isRecord(json)
    ? quantizationKeys.find((name) => json[name] !== undefined && json[name] !== null)
    : undefined;
  if (key === undefined || !isRecord(json)) return;
  const settings = isRecord(json[key]) ? json[key] : {};
  const method = settings.quant_method ?? settings.quant_type ?? settings.format;
  const bits = settings.bits ?? (settings.load_in_4bit === true ? 4 : settings.load_in_8bit === true ? 8 : undefined);
  const what = [
    method === undefined ? undefined : shown(method),
    bits === undefined ? undefined : `${shown(bits)} bits`,
  ];
  throw new UserError(
    `${path}: the weights are quantised (${what.filter((part) => part !== undefined).join(', ') || `'${key}'`}), and lamina reads F32, F16 and BF16: take the model that they were made of, or have the program that made them write it out in bfloat16`,
  );
}
