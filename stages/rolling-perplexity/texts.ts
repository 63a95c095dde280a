// The texts that rolling-perplexity measures: where they come from, how they are counted, and as tokens.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf } from '../../contract/define.ts';
import { readText } from '../../formats/text/text.ts';
import type { TextSize } from '../../model/measure/rolling.ts';
import { piecesBetweenSpace } from '../../python/text.ts';
import { UserError } from '../../util/errors.ts';
import { type ModelTokenizer, onlyFile } from '../common/model-input.ts';
import type { InstructionRecord } from '../common/record-forms.ts';
import { readRecordLines } from '../common/record-lines.ts';
import type { RollingParams, rollingPerplexityStage } from './declare.ts';

type Context = ContextOf<typeof rollingPerplexityStage>;

/** A text is encoded at once, in some dozens of bytes for each of its own. */
const largestText = 2 ** 26;

/** A text as the model reads it. */
export interface EncodedText {
  /** With what is added before or after it. */
  readonly ids: Int32Array;
  readonly size: TextSize;
}

/** The texts of parameter `path` or of input `data`, joined where that is asked for. */
export async function textsOf({ params, inputs }: Context): Promise<string[]> {
  const { path, join, separator } = params;
  if (path !== undefined) return [await readText(path, 'text', largestText)];
  const texts = (await readRecordLines(onlyFile(inputs.data))).map(textOf);
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + separator.length, 0);
  if (!join) return texts;
  if (bytes <= largestText) return [texts.join(separator)];
  throw new UserError(
    `the records have ${bytes} bytes, expected at most ${largestText} in one text: measure fewer ('limit' of stage 'dataset') or 'join: false'`,
  );
}

function textOf(record: InstructionRecord): string {
  if ('text' in record) return record.text;
  throw new UserError(
    `record '${record.id}' is a conversation, expected records with 'text': stage 'perplexity-eval' measures answers`,
  );
}

/** Encodes `texts`; a token that the model does not have is a UserError. */
export async function encodeTexts(
  { progress, signal }: Pick<Context, 'progress' | 'signal'>,
  texts: readonly string[],
  tokenizer: ModelTokenizer,
  { bos, vocab_size }: Pick<RollingParams, 'bos'> & { readonly vocab_size: number },
): Promise<EncodedText[]> {
  const encoded: EncodedText[] = [];
  for (const [i, text] of texts.entries()) {
    encoded.push(encodeOne(text, tokenizer, bos));
    refuseStranger(encoded[i] as EncodedText, vocab_size);
    if ((i + 1) % 100 !== 0) continue;
    progress({ done: i + 1, total: texts.length, of: 'text', note: 'encoding' });
    await nextTurn(); // lets a message of the runner in
    signal.throwIfAborted();
  }
  return encoded;
}

function encodeOne(text: string, tokenizer: ModelTokenizer, bos: RollingParams['bos']): EncodedText {
  const own = tokenizer.encode(text, { addSpecialTokens: bos === 'tokenizer' });
  const added = bos === 'tokenizer' ? tokenizer.encode('').length : 0;
  const ids = Int32Array.from(bos === 'always' ? [beginOf(tokenizer), ...own] : own);
  const size = { tokens: own.length - added, words: piecesBetweenSpace(text), bytes: Buffer.byteLength(text) };
  return { ids, size };
}

function beginOf({ bosId, eosId }: ModelTokenizer): number {
  const id = bosId ?? eosId;
  if (id !== undefined) return id;
  throw new UserError(
    "'bos: always': the tokenizer has neither a begin nor an end token, expected one, or 'bos: never'",
  );
}

function refuseStranger({ ids }: EncodedText, vocab_size: number): void {
  const stranger = ids.find((id) => id >= vocab_size);
  if (stranger === undefined) return;
  throw new UserError(
    `the text has token ${stranger}, but the model has ${vocab_size} tokens: its tokenizer.json belongs to another model`,
  );
}
