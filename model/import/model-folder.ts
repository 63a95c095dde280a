// What the small files of a Hugging Face model folder say: which model it is, settled where two of them state one fact.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, parseStrictJson } from '../../formats/text/strict-json.ts';
import { readTextIfThere } from '../../formats/text/text.ts';
import type { SettledTokens } from '../../formats/tokenizer/special-tokens.ts';
import { parseTokenizerConfig } from '../../formats/tokenizer/tokenizer.ts';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { parseConfig } from '../architecture/config.ts';
import { quantizationKeys } from '../architecture/config-keys.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import type { TokenizerFiles } from '../checkpoint/checkpoint.ts';
import { chatTemplates, parseGenerationConfig, readCompanions, settledName } from '../checkpoint/companions.ts';
import { hasTokenizer, type SettledTokenizer, settleTokenizer } from '../checkpoint/tokenizer-files.ts';
import { type AdapterFiles, findAdapter } from './adapter-config.ts';
import { foreignWeights } from './foreign-weights.ts';

const largestConfig = 2 ** 20;
const largestTokenizer = 2 ** 28;
/** tokenizer_config.json says this much, or more, where nobody has thought about it. */
const noLimit = 1e9;

/** What is known of a model before its weights are read. */
export interface FolderSummary {
  /** Where config.json and the weights are: the folder that was named, or the base of the adapter in it. */
  readonly folder: string;
  readonly config: ModelConfig;
  /** The type of the weights by config.json. */
  readonly dtype: string | undefined;
  readonly tokenizer: TokenizerFiles;
  /** A LoRA adapter in the folder that was named. */
  readonly adapter: AdapterFiles | undefined;
  /** What is seen and not honoured, and which of two sources of one fact was taken; no path is in them. */
  readonly warnings: readonly string[];
}

export interface FolderOptions {
  /** False: config.json and tokenizer alone count, weights are not going to be read. Default: true. */
  readonly weights?: boolean;
  /** False: tokenizer.json, which is large, is not read; what it would be compared with is not said. Default: true. */
  readonly tokenizer?: boolean;
}

/** Reads and settles the small files of `folder`; UserErrors for what lamina cannot run. */
export async function readModelFolder(folder: string, options: FolderOptions = {}): Promise<FolderSummary> {
  const { weights = true, tokenizer: wanted = true } = options;
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
  const files = await readTokenizerFiles(base, wanted);
  const config = settleEnds(parsed, files, base, warn);
  const settled = hasTokenizer(files) ? settleTokenizer(files, join(base, 'tokenizer.json')) : undefined;
  if (settled !== undefined) warnOfTokenizer(config, settled, warn);
  warnOfSettings(config, files, base, warn);
  const { dtype, torch_dtype } = json as Record<string, unknown>;
  const named = dtype ?? torch_dtype;
  return {
    folder: base,
    config,
    dtype: typeof named === 'string' ? named : undefined,
    tokenizer: settled?.tokens.changed ? withSettled(files, settled.tokens) : files,
    adapter: weights ? found?.files : undefined,
    warnings,
  };
}

async function readTokenizerFiles(folder: string, wanted: boolean): Promise<TokenizerFiles> {
  const read = async (name: string) =>
    (await readTextIfThere(join(folder, name), 'tokenizer', largestTokenizer)) ?? null;
  return {
    tokenizer_json: wanted ? await read('tokenizer.json') : null,
    tokenizer_config_json: await read('tokenizer_config.json'),
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

/** Generation ends as generation_config.json says, else as config.json does; the tokenizer's own end token ends it too. */
function settleEnds(
  config: ModelConfig,
  { companions = {} }: TokenizerFiles,
  folder: string,
  warn: (message: string) => void,
): ModelConfig {
  const source = join(folder, 'generation_config.json');
  const { ends, others } = parseGenerationConfig(companions['generation_config.json'], source);
  if (others.length > 0) {
    warn(
      `generation_config.json: ${others.join(', ')} ${others.length === 1 ? 'is' : 'are'} not applied to what lamina generates`,
    );
  }
  if (ends === undefined) return config;
  const own = [config.eos_token_id ?? []].flat();
  const left = own.filter((id) => !ends.includes(id));
  if (left.length > 0) {
    warn(
      `config.json has the end tokens ${own.join(', ')}, generation_config.json ${ends.join(', ')}: the latter are taken, as in transformers`,
    );
  }
  return { ...config, eos_token_id: ends.length === 1 ? (ends[0] as number) : [...ends] };
}

function withSettled(files: TokenizerFiles, { addedTokens, bos, eos, unk, pad }: SettledTokens): TokenizerFiles {
  const text = JSON.stringify({ addedTokens, bos, eos, unk, pad });
  return { ...files, companions: { ...files.companions, [settledName]: text } };
}

function warnOfTokenizer(
  config: ModelConfig,
  { tokens, settings, tokenizer }: SettledTokenizer,
  warn: (message: string) => void,
): void {
  for (const message of [...tokens.warnings, ...tokenizer.warnings]) warn(message);
  const { bosId, eosId, vocabSize } = tokenizer;
  if (vocabSize > config.vocab_size) {
    warn(
      `the tokenizer has ${vocabSize} tokens, the model ${config.vocab_size}: a text with a token beyond these is refused`,
    );
  }
  const ends = [config.eos_token_id ?? []].flat();
  if (eosId !== undefined && ends.length > 0 && !ends.includes(eosId)) {
    warn(
      `the tokenizer's end token is ${eosId}, the model's ${ends.join(', ')}: answers are trained to end with the first, and what is generated ends at any of them`,
    );
  }
  if (bosId !== undefined && config.bos_token_id !== null && bosId !== config.bos_token_id) {
    warn(
      `the tokenizer's begin token is ${bosId}, the one of config.json ${config.bos_token_id}: texts begin with what the tokenizer adds`,
    );
  }
  for (const [key, id, at] of [
    ['add_bos_token', bosId, 0],
    ['add_eos_token', eosId, -1],
  ] as const) {
    const adds = id !== undefined && tokenizer.encode('').at(at) === id;
    if (typeof settings[key] !== 'boolean' || settings[key] === adds) continue;
    warn(
      `tokenizer_config.json: '${key}' is ${settings[key]}, but tokenizer.json ${adds ? 'adds' : 'does not add'} that token: the latter is taken, as in transformers`,
    );
  }
}

/** What tokenizer_config.json and the chat templates say beside the tokens. */
function warnOfSettings(
  config: ModelConfig,
  { tokenizer_config_json, companions }: TokenizerFiles,
  folder: string,
  warn: (message: string) => void,
): void {
  const settings = parseTokenizerConfig(tokenizer_config_json, join(folder, 'tokenizer_config.json'));
  const length = settings.model_max_length;
  const context = config.max_position_embeddings;
  if (typeof length === 'number' && length < noLimit && length !== context) {
    warn(
      `tokenizer_config.json has a 'model_max_length' of ${length} tokens, config.json 'max_position_embeddings' of ${context}: the model's context is taken as ${context}`,
    );
  }
  const others = settings.fast_tokenizer_files;
  if (others !== undefined)
    warn(`tokenizer_config.json names other tokenizer files (${shown(others)}): tokenizer.json is read`);
  if (settings.split_special_tokens === true) {
    warn(
      "tokenizer_config.json: 'split_special_tokens' is true and not honoured: special tokens in a text are one token each",
    );
  }
  chatTemplates(settings, companions); // of another shape they are refused now, not where they are first used
}
