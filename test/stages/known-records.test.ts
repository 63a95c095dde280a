// What planning says of data sets before they are read: counts and lengths of files of this machine, and of known sets of the hub.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { bytesPerToken } from '../../stages/costs/inputs.ts';
import { knownRecords } from '../../stages/dataset/known-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-known-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of questions and answers, each pair of them `length` letters long. */
function file(name: string, count: number, length = 90): string {
  const half = 'x'.repeat(length / 2);
  const rows = Array.from({ length: count }, () => ({ question: half, answer: half, source: 'not read' }));
  const text = name.endsWith('.csv')
    ? ['question,answer,source', ...rows.map((row) => Object.values(row).join(','))].join('\n')
    : name.endsWith('.json')
      ? JSON.stringify(rows)
      : rows.map((row) => JSON.stringify(row)).join('\n');
  const path = join(folder, name);
  writeFileSync(path, `${text}\n`);
  return path;
}

const split = { eval_fraction: 0.1 };

describe('files of this machine', () => {
  test.each(['a.jsonl', 'a.json', 'a.csv'])('%s: records are counted and their lengths looked at', async (name) => {
    const facts = await knownRecords({ path: file(name, 200), ...split });
    expect(facts).toEqual({ train: 180, eval: 20, record_tokens: Math.ceil(90 / bytesPerToken) });
  });

  test.each(['long.jsonl', 'long.csv'])(
    '%s: what follows the first 2,000 records is taken to be like them',
    async (name) => {
      const facts = await knownRecords({ path: file(name, 5000), ...split });
      expect(Math.abs(Number(facts?.train) + Number(facts?.eval) - 5000)).toBeLessThan(50);
    },
  );

  test('a folder of many files is looked at as one: a little of each', async () => {
    mkdirSync(join(folder, 'many'));
    for (let i = 0; i < 40; i++) file(`many/${i}.jsonl`, i === 0 ? 1000 : 100, i % 2 === 0 ? 90 : 30);
    const facts = await knownRecords({ path: join(folder, 'many'), ...split });
    const all = 1000 + 39 * 100;
    expect(Math.abs(Number(facts?.train) + Number(facts?.eval) - all)).toBeLessThan(all / 100);
    expect(facts?.record_tokens).toBe(Math.ceil((1000 * 90 + 19 * 100 * 90 + 20 * 100 * 30) / all / bytesPerToken));
  });

  test('of records of a megabyte a few are looked at', async () => {
    const path = file('large.jsonl', 40, 1e6);
    const read = vi.spyOn(JSON, 'parse');
    const facts = await knownRecords({ path, ...split });
    expect(read.mock.calls.length).toBeGreaterThan(5);
    expect(read.mock.calls.length).toBeLessThan(15);
    read.mockRestore();
    expect(facts).toEqual({ train: 36, eval: 4, record_tokens: Math.ceil(1e6 / bytesPerToken) });
  });

  test('fields of other names are looked at by these; where none is read, no length is known', async () => {
    const path = join(folder, 'named.jsonl');
    writeFileSync(path, `${JSON.stringify({ Q: 'x'.repeat(60), A: 'y'.repeat(30) })}\n`.repeat(20));
    expect(await knownRecords({ path, ...split })).toEqual({ train: 18, eval: 2 });
    const columns = { question: 'Q', answer: 'A' };
    const known = { train: 18, eval: 2, record_tokens: Math.ceil(90 / bytesPerToken) };
    expect(await knownRecords({ path, columns, ...split })).toEqual(known);
    expect(await knownRecords({ sources: [{ path, columns, form: 'auto' }], ...split })).toEqual(known);
  });

  test('limits, evaluation data of its own, and several sources with the mean of their lengths', async () => {
    const [path, eval_path] = [file('train.jsonl', 300), file('test.jsonl', 50)];
    expect(await knownRecords({ path, eval_path, limit: 100, eval_limit: 20, ...split })).toMatchObject({
      train: 100,
      eval: 20,
    });
    expect(await knownRecords({ path, eval_path, limit: 40, ...split })).toMatchObject({ train: 40, eval: 40 });
    const sources = [path, file('short.jsonl', 300, 18)].map((path) => ({ path, form: 'auto' as const }));
    expect(await knownRecords({ sources, ...split })).toEqual({
      train: 540,
      eval: 60,
      record_tokens: Math.ceil(54 / bytesPerToken),
    });
  });

  test('what cannot be read is not known', async () => {
    writeFileSync(join(folder, 'broken.jsonl'), '{"question": \n');
    for (const name of ['broken.jsonl', 'nowhere.jsonl', 'a.txt']) {
      expect(await knownRecords({ path: join(folder, name), ...split })).toBeUndefined();
    }
  });
});

test('known sets of the hub have counts and no lengths', async () => {
  const facts = await knownRecords({ path: 'hf://datasets/knkarthick/dialogsum', ...split });
  expect(facts).toEqual({ train: 12460 - 1246, eval: 1246 });
  expect(await knownRecords({ path: 'hf://datasets/somebody/unknown', ...split })).toBeUndefined();
});
