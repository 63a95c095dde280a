// The small files of a model settled with its config: what two of them say of one fact, and what is seen and not honoured.
import { join } from 'node:path';
import type { SettledTokens } from '../../formats/tokenizer/special-tokens.ts';
import { parseTokenizerConfig } from '../../formats/tokenizer/tokenizer.ts';
import { shown } from '../../util/shown.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import type { TokenizerFiles } from '../checkpoint/checkpoint.ts';
import { chatTemplates, parseGenerationConfig, settledName } from '../checkpoint/companions.ts';
import { hasTokenizer, type SettledTokenizer, settleTokenizer } from '../checkpoint/tokenizer-files.ts';

/** tokenizer_config.json says this much, or more, where nobody has thought about it. */
const noLimit = 1e9;

/** The config with the tokens that end a text, and the files with what was settled of their tokens; `folder` is where they lie, for messages. */
export function settleFiles(
  parsed: ModelConfig,
  files: TokenizerFiles,
  folder: string,
  warn: (message: string) => void,
): { config: ModelConfig; tokenizer: TokenizerFiles } {
  const config = settleEnds(parsed, files, folder, warn);
  const settled = hasTokenizer(files) ? settleTokenizer(files, join(folder, 'tokenizer.json')) : undefined;
  if (settled !== undefined) warnOfTokenizer(config, settled, warn);
  warnOfSettings(config, files, folder, warn);
  return { config, tokenizer: settled?.tokens.changed ? withSettled(files, settled.tokens) : files };
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
