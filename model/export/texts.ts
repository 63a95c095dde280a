// The texts that a model came with, written beside its weights again: tokenizer, special tokens, chat templates, what ends a text.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTokenizerConfig } from '../../formats/tokenizer/tokenizer.ts';
import type { TokenizerFiles } from '../checkpoint/checkpoint.ts';
import { chatTemplates, templateFolder } from '../checkpoint/companions.ts';

/** Where these files go. */
export interface TextFiles {
  readonly tokenizer: string;
  readonly tokenizer_config: string;
  readonly special_tokens_map: string;
  readonly added_tokens: string;
  readonly generation_config: string;
  readonly chat_template: string;
}

/** Their names in a model folder, by output. */
export const textNames: Readonly<Record<keyof TextFiles, string>> = {
  tokenizer: 'tokenizer.json',
  tokenizer_config: 'tokenizer_config.json',
  special_tokens_map: 'special_tokens_map.json',
  added_tokens: 'added_tokens.json',
  generation_config: 'generation_config.json',
  chat_template: 'chat_template.jinja',
};

/** The files in `folder`, under their own names. */
export function textFilesIn(folder: string): TextFiles {
  const paths = Object.entries(textNames).map(([output, name]) => [output, join(folder, name)]);
  return Object.fromEntries(paths) as unknown as TextFiles;
}

/**
 * Writes those that the model came with, as they were. Chat templates that had a folder of their own go into tokenizer_config.json by
 * their names, and the one of chat_template.jinja with them, which would otherwise take their place.
 */
export async function writeTexts(files: TextFiles, tokenizer: TokenizerFiles): Promise<void> {
  for (const [output, text] of Object.entries(textsOf(tokenizer))) {
    if (text !== undefined && text !== null) await writeFile(files[output as keyof TextFiles], text);
  }
}

function textsOf(tokenizer: TokenizerFiles): Record<keyof TextFiles, string | null | undefined> {
  const { tokenizer_json, tokenizer_config_json, companions = {} } = tokenizer;
  const isNamed = Object.keys(companions).some((path) => path.startsWith(`${templateFolder}/`));
  return {
    tokenizer: tokenizer_json,
    tokenizer_config: isNamed ? configWithTemplates(tokenizer) : tokenizer_config_json,
    special_tokens_map: companions['special_tokens_map.json'],
    added_tokens: companions['added_tokens.json'],
    generation_config: companions['generation_config.json'],
    chat_template: isNamed ? undefined : companions['chat_template.jinja'],
  };
}

function configWithTemplates({ tokenizer_config_json, companions }: TokenizerFiles): string {
  const settings = parseTokenizerConfig(tokenizer_config_json, 'tokenizer_config.json');
  const chat_template = [...chatTemplates(settings, companions)].map(([name, template]) => ({ name, template }));
  return `${JSON.stringify({ ...settings, chat_template }, null, 2)}\n`;
}
