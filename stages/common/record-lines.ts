// Data sets between stages: one JSON object per line.
import { readTextLines } from '../../formats/text/lines.ts';
import { parseJson } from '../../formats/text/strict-json.ts';
import { createRandom, shuffle } from '../../util/random.ts';
import type { InstructionRecord } from './record-forms.ts';

/** Reads the records that a `JsonLinesWriter` wrote. Throws UserError for a file that is damaged. */
export async function readRecordLines(path: string): Promise<InstructionRecord[]> {
  const records: InstructionRecord[] = [];
  for await (const { text, line } of readTextLines(path, 'data set')) {
    if (text !== '') records.push(parseJson(text, `${path}:${line}`) as InstructionRecord);
  }
  return records;
}

/** `fraction` of the records (at least one), drawn by the seed, in file order. */
export function sampleRecords(records: InstructionRecord[], fraction: number, seed: number): InstructionRecord[] {
  if (fraction === 1) return records;
  const order = shuffle([...records.keys()], createRandom('sample', seed));
  const count = Math.max(1, Math.round(records.length * fraction));
  const chosen = order.slice(0, count).sort((a, b) => a - b);
  return chosen.map((index) => records[index] as InstructionRecord);
}
