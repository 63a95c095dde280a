// What nobody writes by accident: every reader gives the content, or one sentence that names the file, and nothing else.
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openFile } from '../../formats/files/file.ts';
import { JsonLinesWriter } from '../../formats/records/jsonl-writer.ts';
import { readParquet } from '../../formats/records/parquet.ts';
import { countRecords, readRecords } from '../../formats/records/records.ts';
import { createActivations, openActivations } from '../../formats/tensors/activations.ts';
import { openSafetensors } from '../../formats/tensors/safetensors.ts';
import { readText, readTextIfThere } from '../../formats/text/text.ts';
import { loadTokenizer, parseTokenizerConfig } from '../../formats/tokenizer/tokenizer.ts';
import { UserError } from '../../util/errors.ts';
import { fixture, scratchFolder } from './files.ts';
import { damagedBytes, damagedJson, makePipe, readsOrRefuses } from './mutate.ts';

const { path, write } = scratchFolder();

async function readAll(file: string): Promise<Record<string, unknown>[]> {
  const records = [];
  for await (const { value } of readRecords(file)) records.push(value);
  return records;
}

const refused = (file: string, sentence: string) =>
  expect(readAll(file)).rejects.toThrow(sentence.replaceAll('FILE', file));

describe('safetensors', () => {
  const header = {
    __metadata__: { format: 'pt' },
    a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
    b: { dtype: 'BF16', shape: [4], data_offsets: [24, 32] },
    c: { dtype: 'I64', shape: [], data_offsets: [32, 40] },
  };
  const file = (text: string) => {
    const json = Buffer.from(text);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, Buffer.alloc(40, 1)]);
  };
  const readEverything = async (name: string) => {
    const reader = await openSafetensors(name);
    try {
      for (const { name, shape, dtype } of reader.tensors.values()) {
        const size = shape.reduce((a, b) => a * b, 1);
        expect((await reader.readBytes(name)).byteLength).toBeLessThanOrEqual(40);
        if (dtype !== 'I64') expect((await reader.readFloat32(name)).length).toBe(size);
      }
    } finally {
      await reader.close();
    }
  };

  test('with a header of other JSON', async () => {
    await fc.assert(
      fc.asyncProperty(damagedJson(header), async (text) => {
        const name = write('header.safetensors', file(text));
        await readsOrRefuses(name, () => readEverything(name));
      }),
      { numRuns: 150 },
    );
  });
});

describe('Parquet', () => {
  test.each(['records.parquet', 'records-gzip.parquet'])('%s with a damaged footer', async (source) => {
    const whole = readFileSync(fixture(source));
    const length = whole.readUInt32LE(whole.length - 8);
    const footer = whole.length - 8 - length;
    const damaged = damagedBytes(whole.subarray(footer, footer + length)).map((bytes) => {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(bytes.length);
      return Buffer.concat([whole.subarray(0, footer), bytes, size, Buffer.from('PAR1')]);
    });
    await fc.assert(
      fc.asyncProperty(damaged, async (bytes) => {
        const name = write('footer.parquet', bytes);
        await readsOrRefuses(name, () => readAll(name));
        await readsOrRefuses(name, () => countRecords(name));
      }),
      { numRuns: 120 },
    );
  });

  // fixtures/make.py, pyarrow 26.0.1: JSON of 200 levels; a time of 2^62 milliseconds; 20,000,000 equal texts in 503 bytes
  test.each([
    ['deep.parquet', 'FILE: row 1: expected a record of at most 100 levels, got more'],
    ['late.parquet', 'FILE: row 1: expected a time between the years -271821 and 275760'],
    [
      'bomb.parquet',
      "data file 'FILE': expected row groups of at most 16777216 rows, got one of 20000000 (write it with smaller row groups)",
    ],
  ])('%s', async (name, sentence) => {
    await refused(fixture(name), sentence);
  });

  test('of more rows than are made at once is read in slices', async () => {
    const file = await openFile(fixture('records.parquet'), 'data file');
    const rows = [];
    for await (const { value } of readParquet(file, [], 1)) rows.push(value);
    await file.close();
    expect(rows).toEqual(await readAll(fixture('records.parquet')));
  });
});

describe('records', () => {
  const deep = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;

  test('that nest too deeply are refused where they are read, not where somebody walks through them', async () => {
    const sentence = 'FILE:1: expected a record of at most 100 levels, got more';
    await refused(write('deep.jsonl', deep(100_000)), sentence);
    await refused(write('deep.json', `[${deep(100)}]`), sentence);
    expect((await readAll(write('fits.jsonl', deep(99)))).length).toBe(1);
  });

  test('a header of many columns takes no time', async () => {
    const names = Array.from({ length: 300_000 }, (_, i) => `c${i}`).join(',');
    await refused(write('wide.csv', `${names},c7\n`), "FILE:1: the column 'c7' appears twice in the header");
  });

  test('of half characters come through as they are', async () => {
    const file = path('half.jsonl');
    const writer = await JsonLinesWriter.create<{ text: string }>(file);
    await writer.write({ text: '\ud800' });
    await writer.flush();
    await writer.close();
    expect(await readAll(file)).toEqual([{ text: '\ud800' }]);
  });
});

describe('what is in the place of a file', () => {
  const places = () => {
    mkdirSync(path('folder.jsonl'), { recursive: true });
    symlinkSync('circle.jsonl', path('circle.jsonl'));
    makePipe(path('pipe.jsonl'));
    symlinkSync('nothing.jsonl', path('dangling.jsonl'));
  };

  test('is named: a folder, a pipe, links in a circle, nothing', async () => {
    places();
    const sentence = { folder: 'expected a file, got a folder', pipe: 'expected a file, got a folder or a device' };
    await refused(path('folder.jsonl'), `data file 'FILE': ${sentence.folder}`);
    await refused(path('pipe.jsonl'), `data file 'FILE': ${sentence.pipe}`);
    await refused(path('circle.jsonl'), "data file 'FILE': its links lead in a circle");
    await refused(path('dangling.jsonl'), "data file 'FILE': no such file or folder");
    await refused(path(`${'a'.repeat(300)}.jsonl`), "data file 'FILE': the name is too long");
  });

  test('of a small text: its size is bounded, its letters are UTF-8', async () => {
    const file = write('small.txt', '\ufeffé');
    expect(await readText(file, 'text', 5)).toBe('é');
    await expect(readText(file, 'text', 4)).rejects.toThrow(`text '${file}': expected at most 4 bytes, got 5`);
    const latin = write('latin.txt', Uint8Array.of(0xe9));
    await expect(readText(latin, 'text', 9)).rejects.toThrow(`text '${latin}': expected text in UTF-8`);
    expect(await readTextIfThere(path('none.txt'), 'text', 9)).toBeUndefined();
    await expect(readTextIfThere(path('.'), 'text', 9)).rejects.toThrow('expected a file, got a folder');
  });
});

describe('a file that is written', () => {
  test.runIf(process.platform === 'linux')('to a full disk says so', async () => {
    const writer = await JsonLinesWriter.create('/dev/full');
    await writer.write({});
    await expect(writer.flush()).rejects.toThrow(new UserError("data file '/dev/full': the disk is full"));
    await writer.close();
  });
});

describe('a tokenizer', () => {
  const json = {
    added_tokens: [{ id: 3, content: '</s>', special: true }],
    normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, { type: 'NFC' }] },
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '</s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      special_tokens: { '</s>': { id: '</s>', ids: [3], tokens: ['</s>'] } },
    },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', unk_token: 'a', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b', ['a', 'b']] },
  };

  test('of other JSON encodes and decodes, or is refused', async () => {
    await fc.assert(
      fc.asyncProperty(damagedJson(json), (text) =>
        readsOrRefuses("tokenizer 'x'", () => {
          const tokenizer = loadTokenizer(text, 'x');
          expect(Number.isInteger(tokenizer.vocabSize)).toBe(true);
          const ids = tokenizer.encode('ab a\ud800b');
          expect(ids.every(Number.isInteger)).toBe(true);
          expect(typeof tokenizer.decode([...ids, 0, 99])).toBe('string');
        }),
      ),
      { numRuns: 150 },
    );
  });

  test('has settings that are an object of JSON', () => {
    expect(parseTokenizerConfig(null, 'x')).toEqual({});
    expect(() => parseTokenizerConfig('{"eos_token":', 'x')).toThrow('x: expected JSON, got text that ends too early');
    expect(() => parseTokenizerConfig('null', 'x')).toThrow('x: expected a JSON object, got null');
  });

  test('with a token without a number is refused', () => {
    const text = JSON.stringify({ model: json.model, added_tokens: [{ content: 'x' }] });
    expect(() => loadTokenizer(text, 'x')).toThrow("tokenizer 'x': expected token ids of 0 to 16777215, got nothing");
  });
});

test('activations of no width are refused: their rows would be any number', async () => {
  const name = path('narrow.arrow');
  const writer = await createActivations(name, { columns: { input: { width: 0, dtype: 'F32' } }, rowsPerBatch: 4 });
  await writer.append({ input: new Float32Array(0) }, 4);
  await writer.close();
  await expect(openActivations(name)).rejects.toThrow("column 'input' is fixed_size_list<float32>[0]");
});
