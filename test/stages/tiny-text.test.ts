// The five generators of the tiny profile's text: pinned bytes, one stream per record, short and rarely repeated records.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { generatedRecords } from '../../stages/common/expected-facts.ts';
import type { TextRecord } from '../../tiny/text/tiny-text.ts';
import { tinyTexts } from '../../tiny/text/tiny-texts.ts';
import { goods, people, personNamed, towns } from '../../tiny/text/world.ts';

const names = ['arxiv_math', 'dialogsum', 'gpt4_alpaca', 'dolly', 'openorca'] as const;

const digest = (records: Iterable<TextRecord>) =>
  createHash('sha256')
    .update(JSON.stringify([...records]))
    .digest('hex')
    .slice(0, 16);
const body = ({ messages }: TextRecord) => JSON.stringify(messages);

describe('the made-up world', () => {
  test('gives every person, town and river a name of its own', () => {
    const all = [...people.map((person) => person.name), ...towns.flatMap((town) => [town.name, town.river])];
    expect(new Set(all).size).toBe(all.length);
    expect(new Set(goods.map((good) => good.name)).size).toBe(goods.length);
  });

  test('has nobody for their own friend', () => {
    expect(people.filter((person) => personNamed(person.friend) === person)).toEqual([]);
  });
});

test('five generators are registered, each under its own name', () => {
  expect(Object.entries(tinyTexts).map(([key, text]) => [key, text.name])).toEqual(names.map((name) => [name, name]));
});

const file = new URL('../../models/tiny/tokenizer.json', import.meta.url);
const tokenizer = loadTokenizer(readFileSync(file, 'utf8'), 'tokenizer.json');
/** With what the template puts around each message. */
const tokensOf = ({ messages }: TextRecord) =>
  messages.reduce((sum, { role, content }) => sum + tokenizer.encode(`<|${role}|>\n${content}\n`).length, 0);

describe.each(names)('%s', (name) => {
  const text = tinyTexts[name];
  const records = [...text.generate(2000, 1)];

  test('no record has more tokens than its facts say before it is made', () => {
    const facts = generatedRecords({ generate: name, records: 2000, eval_fraction: 0.1 });
    expect(Math.max(...records.map(tokensOf))).toBeLessThanOrEqual(facts?.longest_tokens ?? 0);
  });

  test('record i is the same whatever the count', () => {
    expect([...text.generate(5, 1)]).toEqual(records.slice(0, 5));
  });

  test('another seed writes another text', () => {
    expect(digest(text.generate(5, 2))).not.toBe(digest(text.generate(5, 1)));
  });

  test('ids are different', () => {
    expect(new Set(records.map((record) => record.id)).size).toBe(records.length);
  });

  test('ends with the answer, and no message is empty or padded', () => {
    for (const { messages } of records) {
      expect(messages.at(-1)?.role).toBe('assistant');
      for (const { content } of messages) expect(content).toBe(content.trim() || 'something');
    }
  });

  test('records are short', () => {
    expect(Math.max(...records.map((record) => body(record).length))).toBeLessThan(500);
  });

  test('fewer than one held-out record in a hundred stands in the training records', () => {
    const seen = new Set(records.slice(0, 1900).map(body));
    const repeated = [...text.generate(500, 3)].filter((record) => seen.has(body(record)));
    expect(repeated.length).toBeLessThan(5);
  });
});

test('the bytes of every generator are pinned', () => {
  const digests = names.map((name) => [name, digest(tinyTexts[name].generate(100, 1))]);
  // Taken from the generators themselves: a change here means that models/tiny must be trained again.
  expect(Object.fromEntries(digests)).toEqual({
    arxiv_math: 'd5abf436d0cab1ef',
    dialogsum: 'a2147cdca6172516',
    gpt4_alpaca: '614ed8b5f7aaa410',
    dolly: '791095dbc73f8f31',
    openorca: '6ff58633f31e29df',
  });
});
