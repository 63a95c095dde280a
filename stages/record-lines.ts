// Data sets between stages: one JSON object per line.
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createRandom, shuffle } from '../util/random.ts';
import type { InstructionRecord } from './record-forms.ts';

/** Lines per write: keeps memory small for any number of records. */
const chunkLines = 1000;

/** Writes records one by one; equal records give equal bytes. `close` must be called, also after a failure. */
export class RecordWriter {
  readonly #file: FileHandle;
  #lines: string[] = [];

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<RecordWriter> {
    return new RecordWriter(await open(path, 'w'));
  }

  async write(record: InstructionRecord): Promise<void> {
    this.#lines.push(`${JSON.stringify(record)}\n`);
    if (this.#lines.length >= chunkLines) await this.flush();
  }

  /** Writes what is still in memory. */
  async flush(): Promise<void> {
    const text = this.#lines.join('');
    this.#lines = [];
    await this.#file.write(text);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Reads what a `RecordWriter` wrote. */
export async function readRecordLines(path: string): Promise<InstructionRecord[]> {
  const records: InstructionRecord[] = [];
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line !== '') records.push(JSON.parse(line) as InstructionRecord);
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
