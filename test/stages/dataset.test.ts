import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataset } from '../../stages/dataset.ts';
import { chooseAll, chooseSplit } from '../../stages/dataset-choice.ts';
import { toRecord } from '../../stages/record-forms.ts';
import { readRecordLines } from '../../stages/record-lines.ts';
import { UserError } from '../../util/errors.ts';
import { runStage, temporaryFolder } from './harness.ts';

const lines = (path: string): { id: string; messages?: { role: string; content: string }[]; text?: string }[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const source = (name: string, text: string): string => {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
};

const questions = (count: number): string =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ question: `q${i}`, answer: `a${i}` })).join('\n');

it('more records than a file could truthfully claim are refused before a place is made for each', () => {
  const claimed = { total: 2 ** 40, repeats: new Set<number>() };
  const sentence = 'expected at most 2147483648 records in a data set, got 1099511627776';
  expect(() => chooseAll(claimed, undefined, 1, 'train')).toThrow(sentence);
  expect(() => chooseSplit(claimed, 10, 0.1, 1)).toThrow(sentence);
});

describe('dataset', () => {
  it('sets one percent aside by a seeded shuffle and keeps the rest in file order', async () => {
    const path = source('qa.jsonl', questions(300));
    const { files, facts } = await runStage(dataset, { params: { path } });
    const train = lines(files['']?.train as string);
    const held = lines(files['']?.eval as string);
    expect([train.length, held.length]).toEqual([297, 3]);
    expect(facts['']).toMatchObject({ train: 297, eval: 3 });
    const ids = train.map(({ id }) => Number(id.split(':')[1]));
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(new Set([...train, ...held].map(({ id }) => id)).size).toBe(300);
  });

  it('another seed sets other records aside, the same seed the same bytes', async () => {
    const path = source('qa.jsonl', questions(300));
    const held = async (seed: number) =>
      readFileSync((await runStage(dataset, { params: { path }, seed })).files['']?.eval as string, 'utf8');
    const first = await held(1);
    expect(await held(1)).toBe(first);
    expect(await held(2)).not.toBe(first);
  });

  it('gives back what separates lines in Unicode and not in JSONL', async () => {
    const answer = 'one\u2028two\u2029three\u0085four';
    const text = `${JSON.stringify({ question: 'q', answer })}\n`.repeat(3);
    const { files } = await runStage(dataset, { params: { path: source('qa.jsonl', text), eval_fraction: 0 } });
    const records = await readRecordLines(files['']?.train as string);
    const answers = records.map((record) => ('messages' in record ? record.messages.at(-1)?.content : undefined));
    expect(answers).toEqual([answer, answer, answer]);
  });

  it('a damaged file between stages is told with its line', async () => {
    const path = source('damaged.jsonl', '{"id":"1"}\n{"id":"2",}\n');
    await expect(readRecordLines(path)).rejects.toThrow(
      new UserError(
        `${path}:2: expected JSON, got text that is not JSON from column 10 on (this comma is one too many before '}')`,
      ),
    );
  });

  it('an evaluation file is used whole', async () => {
    const params = { path: source('train.jsonl', questions(10)), eval_path: source('test.jsonl', questions(4)) };
    const { facts } = await runStage(dataset, { params });
    expect(facts['']).toMatchObject({ train: 10, eval: 4 });
  });

  it('several sources follow each other, each limited and split as if it were alone', async () => {
    const [first, second] = [
      source('train.jsonl', questions(300)),
      source('train.jsonl', '{"text": "t"}\n'.repeat(50)),
    ];
    const params = { sources: [{ path: first, limit: 100 }, { path: second }], eval_fraction: 0.1 };
    const { files, facts } = await runStage(dataset, { params });
    expect(facts['']).toMatchObject({ train: 135, eval: 15 });
    const train = lines(files['']?.train as string);
    const alone = await runStage(dataset, { params: { path: first, limit: 100, eval_fraction: 0.1 } });
    const expected = lines(alone.files['']?.train as string).map((record) => ({ ...record, id: `1/${record.id}` }));
    expect(train.slice(0, 90)).toEqual(expected);
    expect(train.slice(90).every(({ id, text }) => id.startsWith('2/train.jsonl:') && text === 't')).toBe(true);
    expect(new Set(train.map(({ id }) => id)).size).toBe(135); // though both files have one name
  });

  it.each([
    [{ limit: 5 }, "with 'sources' each source has a 'limit' of its own"],
    [{ eval_path: 'x.jsonl' }, "'eval_path' belongs to 'path', not to 'sources'"],
    [{ path: 'x.jsonl' }, "got 'path' and 'sources'"],
  ])('several sources with %o are refused', async (more, message) => {
    const params = { sources: [{ path: source('qa.jsonl', questions(10)) }], ...more };
    await expect(runStage(dataset, { params })).rejects.toThrow(message);
  });

  it('equal records are dropped only when asked', async () => {
    const path = source('qa.jsonl', `${questions(5)}\n${questions(5)}`);
    const count = async (drop_duplicates: boolean) => {
      const { facts } = await runStage(dataset, { params: { path, drop_duplicates } });
      return Number(facts['']?.train) + Number(facts['']?.eval);
    };
    expect([await count(false), await count(true)]).toEqual([10, 5]);
  });

  it('a generator and a file together are refused', async () => {
    const params = { path: source('qa.jsonl', questions(5)), generate: 'arxiv_math' };
    await expect(runStage(dataset, { params })).rejects.toThrow(
      "expected one of 'path' (a file), 'sources' (several) and 'generate' (a generator), got 'path' and 'generate'",
    );
  });

  it('too few records to set one aside are refused', async () => {
    await expect(runStage(dataset, { params: { path: source('qa.jsonl', questions(1)) } })).rejects.toThrow(
      'cannot set 1 of 1 records aside: expected more records, or an eval_path',
    );
  });
});

describe('record forms', () => {
  const messagesOf = (fields: Record<string, unknown>) => {
    const record = toRecord(fields, 'auto', 'folder/file.jsonl:7');
    return 'messages' in record ? record.messages.map(({ role, content }) => `${role}: ${content}`) : record.text;
  };

  // The layouts are those of the data sets' cards (docs/data.md).
  it.each([
    [{ question: 'Q', answer: 'A' }, ['user: Q', 'assistant: A']],
    [{ instruction: 'I', input: '', output: 'O' }, ['user: I', 'assistant: O']],
    [{ instruction: 'I', input: 'X', output: 'O', text: 'T' }, ['user: I\n\nX', 'assistant: O']],
    [{ instruction: 'I', context: 'C', response: 'R', category: 'c' }, ['user: I\n\nC', 'assistant: R']],
    [
      { id: '1', dialogue: 'D', summary: 'S', topic: 't' },
      ['user: Summarize the following dialogue.\n\nD', 'assistant: S'],
    ],
    [
      { fname: '1', dialogue: 'D', summary1: 'S', summary2: 'Z' },
      ['user: Summarize the following dialogue.\n\nD', 'assistant: S'],
    ],
    [{ id: '1', system_prompt: '', question: 'Q', response: 'R' }, ['user: Q', 'assistant: R']],
    [{ id: '1', system_prompt: 'P', question: 'Q', response: 'R' }, ['system: P', 'user: Q', 'assistant: R']],
    [{ text: 'plain', id: '1', score: 2 }, 'plain'],
    [{ id: '1', messages: [{ role: 'user', content: 'Q' }] }, ['user: Q']],
  ])('reads %j', (fields, expected) => {
    expect(messagesOf(fields)).toEqual(expected);
  });

  it('names file, line and field of what it cannot read', () => {
    expect(() => toRecord({ question: 'Q', answer: 3 }, 'auto', 'data/x.jsonl:7')).toThrow(
      "data/x.jsonl:7: field 'answer' expects text, got number",
    );
    expect(() => toRecord({ foo: 'Q' }, 'auto', 'data/x.jsonl:7')).toThrow(
      'data/x.jsonl:7: no known record form fits, got foo, expected one of messages (messages); openorca (system_prompt, question, response); question_answer (question, answer); prompt_completion (prompt, completion); dialogsum (dialogue); instruction (instruction); text (text)',
    );
  });
});
