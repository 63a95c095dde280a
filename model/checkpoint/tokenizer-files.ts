// The tokenizer that a model's files make together: tokenizer.json with what the files beside it say of its tokens.
import { dirname, join } from 'node:path';
import { type SettledTokens, settleTokens, withTokens } from '../../formats/tokenizer/special-tokens.ts';
import { loadTokenizer, parseTokenizerConfig, type Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { type ChatTemplate, compileChatTemplate } from '../../python/chat/chat-template.ts';
import { UserError } from '../../util/errors.ts';
import type { TokenizerFiles } from './checkpoint.ts';
import { chatTemplates } from './companions.ts';

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

/** Roles of tokens whose texts a template may ask for and of which nothing else is asked. */
const otherRoles = ['sep_token', 'cls_token', 'mask_token'];

/**
 * The model's own chat template, the one named `default` where there are several; undefined where it has none. `dated`: it may ask for the
 * date. UserError for a template that cannot be parsed.
 */
export function ownTemplate(
  { tokens: { bos, eos, unk, pad }, settings }: SettledTokenizer,
  { companions = {} }: TokenizerFiles,
  { dated = false } = {},
): ChatTemplate | undefined {
  const found = chatTemplates(settings, companions);
  const source = found.get('default');
  if (source === undefined && found.size > 0) {
    const names = [...found.keys()].map((name) => `'${name}'`).join(', ');
    throw new UserError(`the model has chat templates named ${names}, expected one named 'default'`);
  }
  const named = { bos_token: bos, eos_token: eos, unk_token: unk, pad_token: pad };
  const others = Object.fromEntries(otherRoles.map((role) => [role, settings[role]]));
  const tokens = Object.fromEntries(
    Object.entries({ ...others, ...named }).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  return source === undefined ? undefined : compileChatTemplate(source, "the model's chat template", { tokens, dated });
}

/** True where `files` have a tokenizer. */
export function hasTokenizer(files: TokenizerFiles): files is TokenizerFiles & { tokenizer_json: string } {
  return files.tokenizer_json !== null;
}
