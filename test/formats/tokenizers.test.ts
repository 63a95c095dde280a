// Tokens and texts against Python's `tokenizers`, over small tokenizers in the shapes of published ones (test/fixtures/tokenizers).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readNormalizer } from '../../formats/tokenizer/normalizers.ts';
import { Options } from '../../formats/tokenizer/options.ts';
import { applySteps, readPreTokenizer } from '../../formats/tokenizer/pre-tokenizers.ts';
import { loadTokenizer, type Tokenizer } from '../../formats/tokenizer/tokenizer.ts';

interface Expected {
  pipelines: Record<string, { vocab_size: number; all: string; each: string; panics: number[] }>;
  sweep: {
    varied: [number, number][];
    steps: Record<string, { step: { normalizer?: object; pre_tokenizer?: object }; digest: string }>;
  };
}

const file = (name: string) => readFileSync(new URL(`../fixtures/tokenizers/${name}`, import.meta.url));
const pipelines = JSON.parse(gunzipSync(file('pipelines.json.gz')).toString('utf8')) as Record<string, object>;
const expected = JSON.parse(file('expected.json').toString('utf8')) as Expected;
const texts = (JSON.parse(file('texts.json').toString('utf8')) as (string | [string, number])[]).map((text) =>
  typeof text === 'string' ? text : text[0].repeat(text[1]),
);

const digest = (text: string) => createHash('sha256').update(text).digest();
const load = (name: string) => loadTokenizer(JSON.stringify(pipelines[name]), name);

/** Ids with and without special tokens, and their texts with and without, as the fixture's script writes them. */
function outcome(tokenizer: Tokenizer, text: string): string {
  const ids = tokenizer.encode(text);
  const plain = tokenizer.encode(text, { addSpecialTokens: false });
  return `${ids}|${plain}|${tokenizer.decode(ids)}|${tokenizer.decode(ids, { skipSpecialTokens: true })}`;
}

let compared = 0;
let lone = 0;
afterAll(() => {
  const panics = Object.values(expected.pipelines).reduce((sum, { panics }) => sum + panics.length, 0);
  console.log(
    `tokenizers: ${Object.keys(pipelines).length} pipelines, ${compared} texts with the ids and texts of Python's tokenizers ` +
      `(${panics} left out, on which Python falls over), ${lone} more with lone surrogates, ${Object.keys(expected.sweep.steps).length} steps over ${32 * firsts.length} code points`,
  );
});

it('there are 2,000 texts, all of them for every pipeline', () => {
  expect(texts.length).toBe(2000);
  expect(Object.keys(pipelines).sort()).toEqual(Object.keys(expected.pipelines).sort());
  expect(Object.keys(pipelines).length).toBeGreaterThanOrEqual(30);
});

describe.each(Object.entries(expected.pipelines))('%s', (name, { vocab_size, all, each, panics }) => {
  it(`gives the tokens and the texts of Python for all texts: ${name}`, () => {
    const tokenizer = load(name);
    expect(tokenizer.vocabSize).toBe(vocab_size);
    const short = Buffer.from(each, 'base64');
    const whole = createHash('sha256');
    const wrong: string[] = [];
    let place = 0;
    texts.forEach((text, i) => {
      if (panics.includes(i)) return;
      const got = digest(outcome(tokenizer, text));
      if (!got.subarray(0, 2).equals(short.subarray(2 * place, 2 * place + 2))) wrong.push(`text ${i}`);
      whole.update(got);
      place++;
    });
    expect(wrong).toEqual([]); // `make.py --show NAME PLACE` prints what Python makes of one
    expect(whole.digest('hex')).toBe(all);
    compared += place;
  });

  it(`takes a lone surrogate for the replacement character: ${name}`, () => {
    const tokenizer = load(name);
    const some = texts.filter((text) => text.includes('\ufffd'));
    expect(some.length).toBeGreaterThan(5);
    for (const text of some) {
      expect(tokenizer.encode(text.replaceAll('\ufffd', '\ud800'))).toEqual(tokenizer.encode(text));
      lone++;
    }
  });
});

const firsts = Array.from({ length: 0x110000 / 32 }, (_, i) => 32 * i).filter(
  (first) => first % 1024 === 0 || expected.sweep.varied.some(([begin, end]) => begin <= first && first < end),
);

/** 'a' before each of 32 neighbours, and the neighbours alone, as in sweep.py. */
const neighbours = firsts.flatMap((first) => {
  const points = Array.from({ length: 32 }, (_, i) => first + i).filter((point) => point < 0xd800 || point > 0xdfff);
  const characters = points.map((point) => String.fromCodePoint(point));
  return [characters.map((character) => `a${character}`).join(''), characters.join('')];
});

function normalizing(name: string, step: object): (text: string) => string {
  const rewrite = readNormalizer(new Options(name, step));
  return (text) => rewrite({ text, head: 0 }).text;
}

function cutting(name: string, step: unknown): (text: string) => string {
  const steps = readPreTokenizer(new Options(name, step));
  const parts = (text: string) => (text === '' ? [] : applySteps(steps, [{ text, head: 0 }]));
  return (text) =>
    parts(text)
      .map((part) => part.text)
      .join('\0');
}

describe('a step over the code points', () => {
  it.each(Object.entries(expected.sweep.steps))('%s', (name, { step, digest: wanted }) => {
    const made = neighbours.map(
      step.normalizer ? normalizing(name, step.normalizer) : cutting(name, step.pre_tokenizer),
    );
    expect(digest(made.join('\n')).toString('hex')).toBe(wanted);
  });
});
