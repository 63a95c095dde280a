// Data files of every kind: values and places, streaming across pieces, and a sentence for everything wrong.
import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonLinesWriter } from '../../formats/records/jsonl-writer.ts';
import { readRecords } from '../../formats/records/records.ts';
import { openSafetensors } from '../../formats/tensors/safetensors.ts';
import { readTextLines } from '../../formats/text/lines.ts';
import { readText } from '../../formats/text/text.ts';
import { UserError } from '../../util/errors.ts';
import { expected, fixture, scratchFolder } from './files.ts';

const { path, write } = scratchFolder();

/** All records of a file, places without the folder. */
async function all(file: string): Promise<{ value: Record<string, unknown>; where: string }[]> {
  const records = [];
  for await (const { value, where } of readRecords(file)) records.push({ value, where: where.replace(/^.*\//, '') });
  return records;
}

const values = async (file: string) => (await all(file)).map(({ value }) => value);
const fails = async (file: string, sentence: string) => {
  await expect(all(file)).rejects.toThrow(new UserError(sentence.replace('FILE', file)));
};

describe('JSONL', () => {
  test('gives one record per line and skips blank lines', async () => {
    const file = write('a.jsonl', '\ufeff{"a":1}\r\n\n  \n{"b":"\\n"}');
    expect(await all(file)).toEqual([
      { value: { a: 1 }, where: 'a.jsonl:1' },
      { value: { b: '\n' }, where: 'a.jsonl:4' },
    ]);
  });

  test('has lines across the pieces in which it is read', async () => {
    const long = Array.from({ length: 50 }, (_, i) => ({ i, text: 'é'.repeat(40_000 + i) }));
    expect(await values(write('long.jsonl', long.map((record) => JSON.stringify(record)).join('\n')))).toEqual(long);
  });

  test('names the line of a bad record', async () => {
    const bad = 'FILE:2: expected a JSON object, got text that';
    await fails(write('cut.jsonl', '{"a":1}\n{"a":1'), `${bad} ends too early; mend or remove it`);
    await fails(
      write('bad.jsonl', '{"a":1}\n{"a":1]}'),
      `${bad} is not JSON from column 7 on (']' where '}' would close what is open); mend or remove it`,
    );
    await fails(
      write('nan.jsonl', '{}\r\n  {"a": NaN}\r\n'),
      `${bad} is not JSON from column 9 on (JSON has no value 'NaN'); mend or remove it`,
    );
    await fails(
      write('page.jsonl', '<html>\n</html>'),
      "FILE:1: expected a JSON object, got a page of HTML or XML (it begins with '<'); mend or remove it",
    );
    await fails(write('array.jsonl', '{}\n[1]\n'), 'FILE:2: expected a JSON object, got a list of 1');
    await fails(write('null.jsonl', 'null'), 'FILE:1: expected a JSON object, got null');
    await fails(write('latin.jsonl', Uint8Array.of(0x7b, 0x7d, 10, 0xff)), 'FILE:2: expected text in UTF-8');
  });

  test('refuses a line without end', async () => {
    writeFileSync(path('endless.jsonl'), Buffer.alloc(65 * 2 ** 20, 'x'));
    await fails(path('endless.jsonl'), 'FILE:1: expected a record of at most 67108864 bytes, got a longer one');
  });
});

describe('lines of our own', () => {
  test('end with a line feed alone: whatever else a text holds comes back', async () => {
    const texts = ['\u2028', 'a\u2029b', '\u0085\v\f', '\r', '\ufeff', '\u0000', '\ud800', '', 'x'.repeat(3_000_000)];
    const file = path('own.jsonl');
    const writer = await JsonLinesWriter.create<string>(file);
    for (const text of texts) await writer.write(text);
    await writer.flush();
    await writer.close();
    const lines = [];
    for await (const { text, line } of readTextLines(file, 'data file')) lines.push([line, JSON.parse(text)]);
    expect(lines).toEqual(texts.map((text, i) => [i + 1, text]));
  });

  test('of any texts come back as they were written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 5 }), async (wanted) => {
        const file = write('any.jsonl', wanted.map((value) => `${JSON.stringify(value)}\r\n`).join(''));
        const lines = [];
        for await (const { text } of readTextLines(file, 'data file')) lines.push(text);
        expect(lines).toEqual(wanted.map((value) => JSON.stringify(value)));
      }),
      { numRuns: 50 },
    );
  });
});

describe('a JSON array', () => {
  test('gives one record per element, with the line on which it begins', async () => {
    const file = write('a.json', '\ufeff\n[\n {"a": "]},{\\"[", "b": [1, {"c": 2}]}\n,\n\n {}]\n\n');
    expect(await all(file)).toEqual([
      { value: { a: ']},{"[', b: [1, { c: 2 }] }, where: 'a.json:3' },
      { value: {}, where: 'a.json:6' },
    ]);
  });

  test('is cut where JSON.parse would cut it', async () => {
    const record = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1 }), fc.nat(4), async (records, indent) => {
        const text = JSON.stringify(records, null, indent);
        expect(await values(write('any.json', text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 40 },
    );
  });

  test('may be larger than the pieces in which it is read', async () => {
    const records = Array.from({ length: 300 }, (_, i) => ({ i, text: `"\\${'é'.repeat(10_000)}` }));
    expect(await values(write('large.json', JSON.stringify(records)))).toEqual(records);
  });

  test.each([
    ['a number', '\n1', 'FILE:2: expected an array of objects or one object per line'],
    [
      'an object over lines',
      '{\n"a":1}',
      'FILE: expected an array of objects, or one object per line, got one object over several lines',
    ],
    ['numbers', '[{},\n1]', 'FILE:2: expected a JSON object, got 1'],
    ['a comma too many', '[{},\n]', 'FILE:2: expected a JSON object, got nothing (a comma too many)'],
    ['more after it', '[{}]\n{}', 'FILE:2: expected nothing after the array, got more text'],
    ['a page', '\n<!doctype html>', 'FILE:2: expected an array of objects, got a page of HTML or XML'],
    [
      'a comment',
      '[\n  {"a": 1}, // two, three\n  {}\n]',
      'FILE:2: expected a JSON object, got text that is not JSON from line 2, column 13 on (JSON has no comments); mend or remove it',
    ],
    [
      'a trailing comma in a record of several lines',
      '[{}, {},\n  {\n    "a": 1,\n  }\n]',
      "FILE:2: expected a JSON object, got text that is not JSON from line 3, column 11 on (this comma is one too many before '}'); mend or remove it",
    ],
    [
      'NaN, all on one line',
      '[{"a": 1}, {"a": NaN}]',
      "FILE:1: expected a JSON object, got text that is not JSON from column 18 on (JSON has no value 'NaN'); mend or remove it",
    ],
    [
      'single quotes around a double one',
      `[{"a": 1}, {'a': 'say "'}]`,
      "FILE:1: expected a JSON object, got text that is not JSON from column 13 on (JSON has texts in double quotes only, not in '); mend or remove it",
    ],
    [
      'a bracket that is not closed',
      '[{"a": [1, 2},\n{"a": []}]',
      "FILE:1: expected a JSON object, got text that is not JSON from line 1, column 13 on ('}' where ']' would close what is open); mend or remove it",
    ],
    ['no end', '[{},\n{}\n', "FILE:3: expected ']' at the end of the array, got the end of the file"],
    ['no element', ' [ ] ', "data file 'FILE': expected at least one record, got none"],
    ['nothing', ' ', "data file 'FILE': expected at least one record, got none"],
  ])('with %s is refused', async (_, text, sentence) => {
    await fails(write('bad.json', text), sentence);
  });
});

describe('CSV', () => {
  test('follows RFC 4180: quotes, doubled quotes, commas and line ends in values', async () => {
    const file = write('a.csv', '\ufeffid,text,\r\n1,"a, ""b""\r\nc",x\r\n\r\n2,,"" \n3,d,e');
    await fails(file, `FILE:5: expected a comma after the quoted value 3, got ' '`);
    const good = write('b.csv', '\ufeffid,text,\r\n1,"a, ""b""\r\nc",x\r\n\r\n2,,""\n3,d,e');
    expect(await all(good)).toEqual([
      { value: { id: '1', text: 'a, "b"\r\nc', '': 'x' }, where: 'b.csv:2' },
      { value: { id: '2', text: '', '': '' }, where: 'b.csv:5' },
      { value: { id: '3', text: 'd', '': 'e' }, where: 'b.csv:6' },
    ]);
  });

  test('gives back any texts that were quoted', async () => {
    const row = fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') }), {
      minLength: 2,
      maxLength: 2,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1 }), async (rows) => {
        const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const text = ['a,b', ...rows.map((cells) => cells.map(quote).join(','))].join('\r\n');
        expect(await values(write('any.csv', text))).toEqual(rows.map(([a, b]) => ({ a, b })));
      }),
    );
  });

  test.each([
    ['too few values', 'a,b\n1', 'FILE:2: expected 2 values as in the header, got 1'],
    ['a column twice', 'a,b,a\n', "FILE:1: the column 'a' appears twice in the header"],
    ['an open quote', 'a\n1\n"x\ny', 'FILE:3: a quoted value begins here and never ends'],
    ['a bare quote', 'a\n5" pipe"', 'FILE:2: value 1 holds a quote but is not quoted (write "a ""quoted"" word")'],
    ['a header only', 'a,b\n', "data file 'FILE': expected at least one record, got none"],
  ])('with %s is refused', async (_, text, sentence) => {
    await fails(write('bad.csv', text), sentence);
  });
});

describe('Parquet', () => {
  test.each(['records.parquet', 'records-gzip.parquet'])('%s has the rows pyarrow wrote', async (name) => {
    const records = await all(fixture(name));
    expect(records.map(({ value }) => value)).toEqual(expected().parquet);
    expect(records[4]?.where).toBe(`${name}: row 5`);
  });

  test('that is not Parquet is refused', async () => {
    const file = write('text.parquet', 'hello, this is only text');
    await fails(file, "data file 'FILE': expected a Parquet file, got parquet file invalid (footer != PAR1)");
  });
});

describe('damaged Parquet', () => {
  test('gives rows or a sentence, and leaves no rejection behind', async () => {
    const whole = readFileSync(fixture('records.parquet'));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        await all(write('damaged.parquet', bytes)).catch((error: unknown) => {
          if (!(error instanceof UserError)) throw error;
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('a data file', () => {
  test('is known by its ending', async () => {
    await fails(
      write('a.txt', 'x'),
      "data file 'FILE': expected an ending of .jsonl, .ndjson, .json, .csv, .parquet, got '.txt'",
    );
    expect(await values(write('A.JSONL', '{"a":1}'))).toEqual([{ a: 1 }]);
  });

  test('must be there and hold something', async () => {
    await fails(path('none.jsonl'), "data file 'FILE': no such file or folder");
    await fails(write('empty.jsonl', ''), "data file 'FILE': expected at least one record, got none");
    await fails(write('empty.csv', ''), "data file 'FILE': expected at least one record, got none");
  });

  test('is closed when its reader stops early', async () => {
    const file = write('stop.jsonl', '{"a":1}\n{"a":2}\nbad');
    for await (const { value } of readRecords(file)) {
      expect(value).toEqual({ a: 1 });
      break;
    }
  });
});

test('a Git LFS pointer is called what it is, whatever the file should have been', async () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2336927755\n';
  const clause =
    "is a Git LFS pointer, expected the file itself of 2336927755 bytes: run 'git lfs pull' where it was cloned, or download it";
  for (const name of ['lfs.jsonl', 'lfs.json', 'lfs.csv', 'lfs.parquet']) {
    await fails(write(name, pointer), `data file 'FILE' ${clause}`);
  }
  const weights = write('lfs.safetensors', pointer);
  await expect(openSafetensors(weights)).rejects.toThrow(new UserError(`safetensors file '${weights}' ${clause}`));
  const text = write('tokenizer.json', pointer);
  await expect(readText(text, 'tokenizer', 1000)).rejects.toThrow(new UserError(`tokenizer '${text}' ${clause}`));
  expect(await values(write('talk.csv', 'text\nversion https://git-lfs.github.com/spec/v1\n'))).toHaveLength(1);
});
