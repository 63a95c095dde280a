// The `tokenizer.model` of a model folder without tokenizer.json, as Llama 2's own has it, converted.
import { join } from 'node:path';
import { isMissing, openFile } from '../../formats/files/file.ts';
import { sentencePieceModelJson } from '../../formats/tokenizer/sentencepiece-model.ts';
import { parseTokenizerConfig } from '../../formats/tokenizer/tokenizer.ts';
import { UserError } from '../../util/errors.ts';

const largest = 2 ** 26;

/**
 * The texts of a tokenizer.json and, where `settings` (tokenizer_config.json) is null, of a tokenizer_config.json for the file in `folder`;
 * undefined where there is none. Of the settings `add_bos_token`, `add_eos_token` and `legacy` count.
 */
export async function readSentencePiece(
  folder: string,
  settings: string | null,
): Promise<{ json: string; settings: string } | undefined> {
  const path = join(folder, 'tokenizer.model');
  const bytes = await readIfThere(path);
  if (bytes === undefined) return undefined;
  const said = parseTokenizerConfig(settings, join(folder, 'tokenizer_config.json'));
  const flag = (key: string) => (typeof said[key] === 'boolean' ? said[key] : undefined);
  const [addBos, addEos, legacy] = [flag('add_bos_token'), flag('add_eos_token'), flag('legacy')];
  const { json, bos, eos, unk } = sentencePieceModelJson(bytes, path, {
    ...(addBos !== undefined && { addBos }),
    ...(addEos !== undefined && { addEos }),
    ...(legacy !== undefined && { legacy }),
  });
  const made = { bos_token: bos, eos_token: eos, ...(unk !== null && { unk_token: unk }) };
  return { json, settings: JSON.stringify(made) };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  const file = await openFile(path, 'tokenizer').catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    if (file.sizeBytes <= largest) return await file.read(0, file.sizeBytes);
    throw new UserError(`tokenizer '${path}': expected at most ${largest} bytes, got ${file.sizeBytes}`);
  } finally {
    await file.close();
  }
}
