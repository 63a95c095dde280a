// The records that are evaluated and trained on: of a file that is named, or made of the tiny world's texts.
import { existsSync } from 'node:fs';
import { readTextLines } from '../../formats/text/lines.ts';
import { parseJson } from '../../formats/text/strict-json.ts';
import type { Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import type { Example } from '../../model/forward/batches.ts';
import { encodeOne } from '../../stages/common/model-input.ts';
import { type InstructionRecord, toRecord } from '../../stages/common/record-forms.ts';
import { tinyTexts } from '../../tiny/text/tiny-texts.ts';
import { UserError } from '../../util/errors.ts';

/** Texts that are read together: the length of each, and how many tokens need logits. */
export interface Texts {
  lengths: readonly number[];
  scored: number;
}

/** A record, and the tokens that it becomes. */
export interface EncodedRecord {
  record: InstructionRecord;
  example: Example;
}

/** Texts that are made where no file is named: enough that some of every length are short enough. */
const generated = 2000;

/**
 * The first `count` records of `path` (JSON lines; default: generated dialogues) that fit uncut into `max_length` tokens. A UserError
 * where there are fewer.
 */
export async function chooseRecords(
  path: string | undefined,
  tokenizer: Tokenizer,
  { count, max_length, vocab_size }: { count: number; max_length: number; vocab_size: number },
): Promise<EncodedRecord[]> {
  const chosen: EncodedRecord[] = [];
  for await (const record of path === undefined ? madeRecords() : recordsIn(path)) {
    const example = encodeOne(record, tokenizer, { max_length, vocab_size });
    if (example !== null && example.is_cut !== true) chosen.push({ record, example });
    if (chosen.length === count) return chosen;
  }
  const source = path === undefined ? 'the generated records' : `'${path}'`;
  throw new UserError(
    `${source} must have ${count} records of at most ${max_length} tokens, got ${chosen.length}: name another file with --records`,
  );
}

async function* recordsIn(path: string): AsyncGenerator<InstructionRecord> {
  if (!existsSync(path))
    throw new UserError(`--records expects a file of JSON lines, got '${path}', which is not there`);
  for await (const { text, line } of readTextLines(path, 'data set')) {
    const where = `${path}:${line}`;
    if (text !== '') yield toRecord(parseJson(text, where) as Record<string, unknown>, 'auto', where);
  }
}

function* madeRecords(): Generator<InstructionRecord> {
  let i = 0;
  for (const { messages } of tinyTexts.dialogsum.generate(generated, 0)) yield { id: String(i++), messages };
}
