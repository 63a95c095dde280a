// Records for the engine benchmark: those that fit uncut, in the order of their file, with the tokens that a stage sees.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { chooseRecords } from '../../bench/engine/records.ts';
import { loadTokenizer } from '../../formats/tokenizer/tokenizer.ts';

const tokenizerPath = join(import.meta.dirname, '../../models/tiny/tokenizer.json');
const tokenizer = loadTokenizer(readFileSync(tokenizerPath, 'utf8'), 'tokenizer.json');
const wanted = { count: 2, max_length: 64, vocab_size: 1024 };

function fileOf(records: readonly object[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-records-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'records.jsonl');
  writeFileSync(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return path;
}

const short = (answer: string) => ({ question: 'How many?', answer });
const long = { question: 'How many?', answer: 'one and '.repeat(100) };

it('records that would be cut are left out', async () => {
  const chosen = await chooseRecords(fileOf([short('one'), long, short('two')]), tokenizer, wanted);
  expect(chosen.map(({ record }) => ('messages' in record ? record.messages[1]?.content : ''))).toEqual(['one', 'two']);
  for (const { example } of chosen) expect(example.ids.length).toBeLessThanOrEqual(64);
});

it('a file with too few of them is refused with how many there are', async () => {
  const path = fileOf([short('one'), long]);
  await expect(chooseRecords(path, tokenizer, wanted)).rejects.toThrow(
    `'${path}' must have 2 records of at most 64 tokens, got 1: name another file with --records`,
  );
});

it('without a file there are as many as the largest task of the tiny model takes', async () => {
  const chosen = await chooseRecords(undefined, tokenizer, { count: 320, max_length: 256, vocab_size: 1024 });
  expect(new Set(chosen.map(({ record }) => record.id)).size).toBe(320);
});
