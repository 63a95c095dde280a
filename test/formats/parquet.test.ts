import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFile } from '../../formats/files/file.ts';
import { countParquet, readParquet } from '../../formats/records/parquet.ts';
import { countRecords } from '../../formats/records/records.ts';

const sets = join(import.meta.dirname, '../fixtures/datasets');

async function rows(path: string, fields?: string[], slice_bytes?: number): Promise<Record<string, unknown>[]> {
  const file = await openFile(join(sets, path), 'data file');
  const found: Record<string, unknown>[] = [];
  for await (const { value } of readParquet(file, fields, slice_bytes)) found.push(value);
  await file.close();
  return found;
}

// 5,000 rows in one row group (test/fixtures/datasets/make.py)
test('a large row group read in slices has the same rows', async () => {
  const whole = await rows('one-group.parquet');
  expect(whole.length).toBe(5000);
  expect([whole[0], whole[4999]]).toEqual([
    { question: '0?', answer: '0!' },
    { question: '4999?', answer: '4999!' },
  ]);
  expect(await rows('one-group.parquet', [], 7000)).toEqual(whole);
});

test('rows with lists are the same in slices', async () => {
  const path = 'tulu-v2-sft-mixture/data/train-00000-of-00002-c0ffee.parquet';
  expect(await rows(path, ['messages'], 1)).toEqual(await rows(path, ['messages']));
});

test('only the columns that are asked for are read; all when there are none of them', async () => {
  const path = 'fineweb-edu/sample/10BT/000_00000.parquet';
  expect(await rows(path, ['text', 'question'])).toEqual([
    { text: 'Page 0-0 teaches.' },
    { text: 'Page 0-1 teaches.' },
  ]);
  await expect(rows(path, ['other'])).rejects.toThrow(
    'row 1: the integer 1152921504606846977 is too large to be exact',
  );
});

test('rows are counted without being read', async () => {
  const file = await openFile(join(sets, 'one-group.parquet'), 'data file');
  expect(await countParquet(file)).toBe(5000);
  await file.close();
  expect(await countRecords(join(sets, 'dialogsum/train.csv'))).toBe(3);
});
