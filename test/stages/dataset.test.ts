import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../contract/stage.ts';
import { toRecord } from '../../stages/common/record-forms.ts';
import { readRecordLines } from '../../stages/common/record-lines.ts';
import { chooseAll, chooseSplit, type Drawing, fates } from '../../stages/dataset/choice.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { UserError } from '../../util/errors.ts';
import { runStage, temporaryFolder, untyped } from './harness.ts';

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

const drawing = (changes: Partial<Drawing>): Drawing => {
  return { limit: undefined, eval_limit: undefined, eval_fraction: 0.2, seed: 0, eval_seed: 0, ...changes };
};

it('more records than a file could truthfully claim are refused before a place is made for each', () => {
  const claimed = { total: 2 ** 40, repeats: new Set<number>() };
  const sentence = 'expected at most 2147483648 records in a data set, got 1099511627776';
  expect(() => chooseAll(claimed, undefined, 1, 'train')).toThrow(sentence);
  expect(() => chooseSplit(claimed, drawing({ limit: 10, eval_fraction: 0.1 }))).toThrow(sentence);
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

  it('measures the same records whatever the seed, and others by their own', async () => {
    const path = source('qa.jsonl', questions(300));
    const made = async (params: object, seed: number) => {
      const { files } = await runStage(dataset, { params: { path, ...params }, seed });
      return [files['']?.train, files['']?.eval].map((file) => readFileSync(file as string, 'utf8'));
    };
    for (const params of [{}, { limit: 100 }, { limit: 100, eval_path: path }, { limit: 100, eval_limit: 1 }]) {
      const [train, held] = await made(params, 1);
      expect(await made(params, 1)).toEqual([train, held]);
      const [other, same] = await made(params, 2);
      expect(same).toBe(held);
      expect(other === train).toBe(params.limit === undefined);
      expect((await made({ ...params, eval_seed: 1 }, 1))[1]).not.toBe(held);
    }
  });

  it('never trains on what is measured, and on as many records whatever the seed', () => {
    fc.assert(
      fc.property(
        fc.record({
          total: fc.integer({ min: 2, max: 60 }),
          limit: fc.option(fc.integer({ min: 2, max: 70 }), { nil: undefined }),
        }),
        fc.record({
          eval_limit: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
          eval_fraction: fc.constantFrom(0, 0.01, 0.1, 0.4),
        }),
        fc.record({ seed: fc.nat(5), eval_seed: fc.nat(5) }),
        ({ total, limit }, share, seeds) => {
          const kept = { total, repeats: new Set(total > 4 ? [1, 3] : []) };
          const chosen = chooseSplit(kept, drawing({ limit, ...share, ...seeds }));
          const of = (fate: number) => [...chosen.keys()].filter((place) => chosen[place] === fate);
          const all = Math.min(total - kept.repeats.size, limit ?? total);
          const held = share.eval_fraction === 0 ? 0 : Math.max(1, Math.round(all * share.eval_fraction));
          expect(of(fates.train).length).toBe(all - held);
          expect(of(fates.evaluation).length).toBe(Math.min(held, share.eval_limit ?? held));
          for (const repeat of kept.repeats) expect(chosen[repeat]).toBe(fates.left);
          const other = chooseSplit(kept, drawing({ limit, ...share, ...seeds, seed: seeds.seed + 1 }));
          expect([...other.keys()].filter((place) => other[place] === fates.evaluation)).toEqual(of(fates.evaluation));
          const whole = chooseSplit(kept, drawing({ limit, ...share, ...seeds, eval_limit: undefined }));
          expect([...whole.keys()].filter((place) => whole[place] === fates.train)).toEqual(of(fates.train));
        },
      ),
    );
  });

  it('with seed 0 gives what it gave before the two seeds were one', () => {
    // written down from version 1 of the stage
    expect([...chooseSplit({ total: 30, repeats: new Set([3, 4]) }, drawing({ limit: 20 }))].join('')).toBe(
      '000001112112211201010111011110',
    );
    expect([...chooseAll({ total: 12, repeats: new Set() }, 5, 0, 'evaluation')].join('')).toBe('022202020000');
  });

  it('counts what it will make, as far as that can be known', async () => {
    const expected = (params: object) =>
      untyped(dataset).expect?.({ eval_fraction: 0.01, records: 300, ...params } as JsonObject, {});
    for (const params of [
      {},
      { limit: 100 },
      { limit: 100, eval_fraction: 0.5, eval_limit: 7 },
      { eval_fraction: 0 },
    ]) {
      const { facts } = await runStage(dataset, { params: { generate: 'dolly', records: 300, ...params } });
      const { train, eval: held } = facts[''] as { train: number; eval: number };
      expect(await expected({ generate: 'dolly', ...params })).toEqual({ train, eval: held, longest_tokens: 128 });
    }
    const hub = 'hf://datasets/databricks/databricks-dolly-15k';
    expect(await expected({ path: hub, eval_fraction: 0.1, limit: 1000, eval_limit: 50 })).toEqual({
      train: 900,
      eval: 50,
    });
    expect(await expected({ path: hub, eval_path: hub, limit: 1000 })).toEqual({ train: 1000, eval: 1000 });
    expect(await expected({ path: hub, eval_path: hub, limit: 1000, eval_limit: 50 })).toEqual({
      train: 1000,
      eval: 50,
    });
    expect(await expected({ sources: [{ path: hub, limit: 1000, eval_limit: 3 }, { path: hub }] })).toEqual({
      train: 990 + 15_011 - 150,
      eval: 3 + 150,
    });
  });

  it('generated records have a limit and an evaluation file like any others', async () => {
    const eval_path = source('test.jsonl', questions(4));
    const { facts } = await runStage(dataset, {
      params: { generate: 'dolly', records: 50, limit: 20, eval_path, eval_limit: 3 },
    });
    expect(facts['']).toMatchObject({ train: 20, eval: 3 });
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
    [{ eval_limit: 5 }, "with 'sources' each source has an 'eval_limit' of its own"],
    [
      { sources: [{ path: 'x.jsonl', eval_limit: 5 }], eval_fraction: 0 },
      "'eval_limit' needs records for evaluation: an 'eval_path', or an 'eval_fraction' above 0",
    ],
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
    [
      {
        conversations: [
          { from: 'human', value: 'Q' },
          { from: 'gpt', value: 'A' },
          { from: 'observation', value: 'T' },
        ],
      },
      ['user: Q', 'assistant: A', 'tool: T'],
    ],
    [{ system: 'S', conversations: [{ from: 'human', value: 'Q' }], id: 'x' }, ['system: S', 'user: Q']],
    [{ conversations: [{ role: 'user', content: 'Q' }] }, ['user: Q']],
    [{ prompt: 'Q', completion: 'A' }, ['user: Q', 'assistant: A']],
    [
      { prompt: [{ role: 'user', content: 'Q' }], completion: [{ role: 'assistant', content: 'A' }] },
      ['user: Q', 'assistant: A'],
    ],
    [
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a' },
              { type: 'text', text: 'b' },
            ],
          },
        ],
      },
      ['user: a\nb'],
    ],
  ])('reads %j', (fields, expected) => {
    expect(messagesOf(fields)).toEqual(expected);
  });

  it('keeps calls of tools, and what is read and not trained', () => {
    const call = [{ type: 'function', function: { name: 'f', arguments: { x: 1 } } }];
    const said = { role: 'assistant', content: null, tool_calls: call };
    const messages = [said, { role: 'tool', content: '1', tool_call_id: 'c', name: 'f' }];
    expect(toRecord({ messages }, 'auto', 'x:1')).toMatchObject({ messages: [{ ...said, content: '' }, messages[1]] });
    const before = { role: 'assistant', content: 'old' };
    const record = toRecord({ prompt: [before], completion: [before] }, 'auto', 'x:1');
    expect(record).toEqual({ id: 'x:1', messages: [{ ...before, weight: 0 }, before] });
  });

  it.each([
    [
      { conversations: [{ from: 'robot', value: 'Q' }] },
      "x:1: message 1: field 'from' expects one of system, human, user, gpt",
    ],
    [{ messages: [{ role: 'user', content: null }] }, "x:1: message 1: field 'content' expects text, got null"],
    [
      { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
      "x:1: message 1: field 'content' expects parts of type 'text' with a 'text' (part 1), got \"image\"",
    ],
    [
      { prompt: [{ role: 'user', content: 'Q' }], completion: 'A' },
      'x:1: field \'completion\' expects a list of messages, got "A"',
    ],
  ])('%j is refused', (fields, message) => {
    expect(() => toRecord(fields, 'auto', 'x:1')).toThrow(message);
  });

  it('takes fields under the names that the file has', async () => {
    const path = source('named.jsonl', '{"Q":"q0","A":"a0","answer":"x"}\n{"Q":"q1","A":"a1"}\n');
    const columns = { question: 'Q', answer: 'A' };
    const { files } = await runStage(dataset, { params: { path, columns, eval_path: path, template: 'own' } });
    expect(lines(files['']?.train as string).map(({ id: _, ...rest }) => rest)).toEqual(
      [0, 1].map((i) => ({
        messages: [
          { role: 'user', content: `q${i}` },
          { role: 'assistant', content: `a${i}` },
        ],
        template: 'own',
      })),
    );
    const missing = runStage(dataset, { params: { path, columns: { question: 'Frage' } } });
    await expect(missing).rejects.toThrow(
      "named.jsonl:1: 'columns' takes 'question' from 'Frage', which the record has not: it has Q, A, answer",
    );
  });

  it('reads one object per line from a file named .json', async () => {
    const path = source('lines.json', `${questions(3)}\n`);
    const { facts } = await runStage(dataset, { params: { path, eval_fraction: 0.4 } });
    expect(facts['']).toMatchObject({ train: 2, eval: 1 });
  });

  it('names file, line and field of what it cannot read', () => {
    expect(() => toRecord({ question: 'Q', answer: 3 }, 'auto', 'data/x.jsonl:7')).toThrow(
      "data/x.jsonl:7: field 'answer' expects text, got 3",
    );
    expect(() => toRecord({ foo: 'Q' }, 'auto', 'data/x.jsonl:7')).toThrow(
      'data/x.jsonl:7: no known record form fits, got foo, expected one of messages (messages); sharegpt (conversations); openorca (system_prompt, question, response); question_answer (question, answer); prompt_completion (prompt, completion); dialogsum (dialogue); instruction (instruction); text (text)',
    );
  });
});
