// The files of exports as outputs of the stage: optional each, because which ones there are depends on the format.
import type { OutputPort } from '../../../contract/stage.ts';

/** Files that several formats have, under one name. */
export const commonFiles = {
  config: { extension: 'json', name: 'config.json' },
  model: { extension: 'safetensors', name: 'model.safetensors' },
} as const;
export type CommonFile = keyof typeof commonFiles;

/** The output of a file; `file_name` where it is not the output's own name. */
export function ownFile(extension: string, summary: string, file_name?: string): OutputPort {
  return { kind: 'file', summary, extension, optional: true, ...(file_name === undefined ? {} : { file_name }) };
}

/** The texts of the model, which every format writes that has a folder. */
export const textOutputs: Readonly<Record<string, OutputPort>> = {
  tokenizer: ownFile('json', 'tokenizer.json, where the model has one; part of a gguf file'),
  tokenizer_config: ownFile(
    'json',
    'tokenizer_config.json, where the model has one; with the chat templates that have names',
  ),
  special_tokens_map: ownFile('json', 'special_tokens_map.json, where the model has one'),
  added_tokens: ownFile('json', 'added_tokens.json, where the model has one'),
  generation_config: ownFile('json', 'generation_config.json, where the model has one: the tokens that end a text'),
  chat_template: ownFile('jinja', 'chat_template.jinja, where the model has one; part of a gguf file'),
};
