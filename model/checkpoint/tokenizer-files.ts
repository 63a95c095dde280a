// The tokenizer that a model's files make together: tokenizer.json with what the files beside it say of its tokens.
import { dirname, join } from 'node:path';
import { type SettledTokens, settleTokens, withTokens } from '../../formats/tokenizer/special-tokens.ts';
import { loadTokenizer, parseTokenizerConfig, type Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import type { TokenizerFiles } from './checkpoint.ts';

/** A tokenizer whose files agree. */
export interface SettledTokenizer {
  /** tokenizer.json, with every added token in it. */
  readonly json: string;
  readonly tokens: SettledTokens;
  /** tokenizer_config.json. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly tokenizer: Tokenizer;
}

/** Settles and opens the tokenizer of `files`; `source` names tokenizer.json in messages. UserErrors for files that cannot be used. */
export function settleTokenizer(
  { tokenizer_json, tokenizer_config_json, companions = {} }: TokenizerFiles & { tokenizer_json: string },
  source = 'tokenizer.json',
): SettledTokenizer {
  const settings = parseTokenizerConfig(tokenizer_config_json, join(dirname(source), 'tokenizer_config.json'));
  const others = {
    special_tokens_map_json: companions['special_tokens_map.json'] ?? null,
    added_tokens_json: companions['added_tokens.json'] ?? null,
  };
  const tokens = settleTokens({ tokenizer_json, tokenizer_config_json, ...others }, source);
  const json = withTokens(tokenizer_json, tokens, source);
  // null says that there is none; nothing said leaves it to the usual names
  const ends = { bos_token: tokens.bos ?? settings.bos_token, eos_token: tokens.eos ?? settings.eos_token };
  const tokenizer = loadTokenizer(json, source, ends);
  return { json, tokens, settings, tokenizer };
}

/** True where `files` have a tokenizer. */
export function hasTokenizer(files: TokenizerFiles): files is TokenizerFiles & { tokenizer_json: string } {
  return files.tokenizer_json !== null;
}
