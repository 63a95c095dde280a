// JSON Lines: one object per line; blank lines are skipped.
import type { RandomFile } from '../files/file.ts';
import { readLines } from '../text/lines.ts';
import { type DataRecord, parseRecord } from '../text/record.ts';
import { decodeText } from '../text/text.ts';

/** The records of a JSONL file. */
export async function* readJsonl(file: RandomFile): AsyncGenerator<DataRecord> {
  for await (const { bytes, line } of readLines(file)) {
    const where = `${file.path}:${line}`;
    const text = decodeText(bytes, where);
    const record = text.trim();
    const column = text.length - text.trimStart().length + 1;
    if (record !== '') yield parseRecord(record, where, { line: 1, column });
  }
}
