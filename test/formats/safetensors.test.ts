// safetensors: files of Python's library, round trips, sharded folders, and every hostile header refused by name.
import { mkdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DTYPES, dtypeBytes } from '../../formats/tensors/dtype.ts';
import { createSafetensors, openSafetensors } from '../../formats/tensors/safetensors.ts';
import { openSafetensorsFolder } from '../../formats/tensors/safetensors-folder.ts';
import { UserError } from '../../util/errors.ts';
import { expected, fixture, scratchFolder } from './files.ts';

const { path, write } = scratchFolder();

/** A file of `header` and `dataBytes` zero bytes; `length` overrides the header length it claims. */
function file(name: string, header: string, dataBytes = 0, length?: bigint): string {
  const text = new TextEncoder().encode(header);
  const prefix = new Uint8Array(BigUint64Array.of(length ?? BigInt(text.byteLength)).buffer);
  return write(name, Buffer.concat([prefix, text, new Uint8Array(dataBytes)]));
}

describe('a file of the Python library', () => {
  const { f32, names } = expected().safetensors;

  test('is read with its names, metadata and values', async () => {
    const reader = await openSafetensors(fixture('tensors.safetensors'));
    expect([...reader.tensors.keys()].sort()).toEqual(names);
    expect(reader.metadata).toEqual({ format: 'pt' });
    expect(reader.tensors.get('f32')).toEqual({ name: 'f32', dtype: 'F32', shape: [2, 5], byteLength: 40 });
    const all = [...f32, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    expect([...(await reader.readFloat32('f32'))]).toEqual(all);
    expect([...(await reader.readFloat32('f64'))]).toEqual(all);
    expect(await reader.readFloat32('scalar')).toEqual(Float32Array.of(7));
    expect(await reader.readBytes('bool')).toEqual(Uint8Array.of(1, 0));
    await reader.close();
  });

  test('has short floats with the bits torch gave them', async () => {
    const reader = await openSafetensors(fixture('tensors.safetensors'));
    const { f16_bits, bf16_bits } = expected().safetensors;
    const bits = async (name: string) => [...new Uint16Array((await reader.readBytes(name)).slice().buffer)];
    expect((await bits('f16')).filter((b) => (b & 0x7c00) !== 0x7c00)).toEqual(
      f16_bits.filter((b) => (b & 0x7c00) !== 0x7c00),
    );
    expect((await bits('bf16')).slice(0, 8)).toEqual(bf16_bits);
    await reader.close();
  });
});

describe('a written file', () => {
  test('begins with the header the format prescribes, padded to 8 bytes', async () => {
    const writer = await createSafetensors(path('w.safetensors'), [{ name: 'b', dtype: 'I8', shape: [3] }], {
      by: 'me',
    });
    await writer.write('b', Uint8Array.of(1, 2, 3));
    await writer.close();
    const header = '{"__metadata__":{"by":"me"},"b":{"dtype":"I8","shape":[3],"data_offsets":[0,3]}}';
    const bytes = readFileSync(path('w.safetensors'));
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length).toBe(Math.ceil(header.length / 8) * 8);
    expect(bytes.subarray(8, 8 + length).toString()).toBe(header.padEnd(length));
    expect([...bytes.subarray(8 + length)]).toEqual([1, 2, 3]);
  });

  test('survives a round trip, names in order', async () => {
    const tensor = fc.record({
      name: fc.string({ unit: 'binary' }).filter((name) => name !== '__metadata__' && !/^\d+$/.test(name)),
      dtype: fc.constantFrom(...DTYPES),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
    });
    const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(tensors, async (list) => {
        const writer = await createSafetensors(path('any.safetensors'), list);
        const contents = list.map(({ dtype, shape }, k) =>
          Uint8Array.from({ length: shape.reduce((a, b) => a * b, dtypeBytes(dtype)) }, (_, i) => i + k),
        );
        for (const [k, { name }] of list.entries()) await writer.write(name, contents[k] as Uint8Array);
        await writer.close();
        const reader = await openSafetensors(path('any.safetensors'));
        expect([...reader.tensors.keys()]).toEqual(list.map(({ name }) => name));
        for (const [k, { name }] of list.entries()) expect(await reader.readBytes(name)).toEqual(contents[k]);
        await reader.close();
      }),
      { numRuns: 25 },
    );
  });
});

const F32 = (begin: unknown, end: unknown, shape: unknown = [1]) =>
  JSON.stringify({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('a hostile header', () => {
  test.each<[string, string, number, bigint | undefined, string]>([
    [
      'too long',
      '{}',
      0,
      100_000_001n,
      ': expected a header of at most 100000000 bytes, got 100000001, so it is a file of another kind; copy or download the file again',
    ],
    [
      'of negative length',
      '{}',
      0,
      2n ** 64n - 1n,
      ': expected a header of at most 100000000 bytes, got 18446744073709552000, so it is a file of another kind; copy or download the file again',
    ],
    [
      'beyond the file',
      '{}',
      0,
      99n,
      ' is cut short: expected a header of 99 bytes, got a file of 10 bytes; copy or download the file again',
    ],
    ['not JSON', '{"a"', 0, undefined, ': expected JSON, got text that ends too early'],
    ['an array', '[]', 0, undefined, ': expected a JSON object as header'],
    [
      'too deep',
      `{"a":${'['.repeat(9)}${']'.repeat(9)}}`,
      0,
      undefined,
      ': expected JSON of at most 4 levels, got more',
    ],
    [
      'a repeated name',
      `{"a":${F32(0, 4)},"\\u0061":${F32(0, 4)}}`,
      4,
      undefined,
      ": the key 'a' appears twice in one object",
    ],
    [
      'a repeated key',
      '{"a":{"dtype":"F32","dtype":"F16"}}',
      4,
      undefined,
      ": the key 'dtype' appears twice in one object",
    ],
    [
      'an unknown type',
      '{"a":{"dtype":"F8"}}',
      0,
      undefined,
      `: tensor 'a': expected a dtype of ${DTYPES.join(', ')}, got "F8", in which only quantised weights are stored`,
    ],
    ['no entry', '{"a":3}', 0, undefined, `: tensor 'a': expected a dtype of ${DTYPES.join(', ')}, got nothing`],
    ['no shape', `{"a":${F32(0, 4, 'x')}}`, 4, undefined, `: tensor 'a': expected a shape of sizes, got "x"`],
    ['a negative size', `{"a":${F32(0, 4, [-1])}}`, 4, undefined, ": tensor 'a': expected a shape of sizes, got [-1]"],
    [
      'a size that overflows',
      `{"a":${F32(0, 4, [2 ** 50, 2 ** 50])}}`,
      4,
      undefined,
      ": tensor 'a': expected a shape of sizes, got [1125899906842624,1125899906842624]",
    ],
    [
      'an unsafe offset',
      `{"a":${F32(0, 2 ** 60)}}`,
      4,
      undefined,
      `: tensor 'a': expected data_offsets of begin and end, got [0,${2 ** 60}]`,
    ],
    [
      'offsets that go back',
      `{"a":${F32(4, 0)}}`,
      4,
      undefined,
      ": tensor 'a': expected data_offsets of begin and end, got [4,0]",
    ],
    [
      'a size that does not fit',
      `{"a":${F32(0, 8, [1])}}`,
      8,
      undefined,
      ": tensor 'a': expected 4 bytes for F32 of [1], got 8; copy or download the file again",
    ],
    [
      'an overlap',
      `{"a":${F32(0, 4)},"b":${F32(2, 6)}}`,
      6,
      undefined,
      ": tensor 'b': expected its data to begin at 4, got 2, which overlaps the tensor before it",
    ],
    [
      'a hole',
      `{"a":${F32(0, 4)},"b":${F32(6, 10)}}`,
      10,
      undefined,
      ": tensor 'b': expected its data to begin at 4, got 6, which leaves 2 bytes before it unused",
    ],
    [
      'unreferenced bytes',
      `{"a":${F32(0, 4)}}`,
      6,
      undefined,
      ' has bytes that belong to no tensor: expected 66 bytes, got 68; copy or download the file again',
    ],
    [
      'missing bytes',
      `{"a":${F32(0, 4)}}`,
      1,
      undefined,
      ' is cut short: expected 66 bytes, got 63; copy or download the file again',
    ],
    ['metadata that is no text', '{"__metadata__":{"a":1}}', 0, undefined, ": expected '__metadata__' to hold strings"],
  ])('%s', async (_, header, dataBytes, length, sentence) => {
    const hostile = file('hostile.safetensors', header, dataBytes, length);
    await expect(openSafetensors(hostile)).rejects.toThrow(new UserError(`safetensors file '${hostile}'${sentence}`));
  });

  test('that is not UTF-8, or no header at all', async () => {
    const latin = write('latin.safetensors', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0xff));
    await expect(openSafetensors(latin)).rejects.toThrow(
      new UserError(`safetensors file '${latin}': header: expected text in UTF-8`),
    );
    const short = write('short.safetensors', 'abc');
    const sentence = `safetensors file '${short}': expected a header length of 8 bytes, got a file of 3 bytes`;
    await expect(openSafetensors(short)).rejects.toThrow(new UserError(sentence));
  });

  test("names like '__proto__' are plain names", async () => {
    const reader = await openSafetensors(file('proto.safetensors', `{"__proto__":${F32(0, 4)}}`, 4));
    expect([...reader.tensors.keys()]).toEqual(['__proto__']);
    await reader.close();
  });
});

describe('a model folder', () => {
  /** A folder with two shards of one tensor each and the given index. */
  function folder(name: string, index?: unknown): string {
    mkdirSync(path(name));
    file(`${name}/one.safetensors`, `{"a":${F32(0, 4)}}`, 4);
    file(`${name}/two.safetensors`, `{"b":${F32(0, 8, [2])}}`, 8);
    if (index !== undefined) write(`${name}/model.safetensors.index.json`, JSON.stringify(index));
    return path(name);
  }

  test('of shards reads as one set of tensors, in the order of the index', async () => {
    const dir = folder('shards', {
      metadata: { total_size: 12 },
      weight_map: { b: 'two.safetensors', a: 'one.safetensors' },
    });
    const reader = await openSafetensorsFolder(dir);
    expect([...reader.tensors.keys()]).toEqual(['b', 'a']);
    expect(await reader.readFloat32('b')).toEqual(new Float32Array(2));
    expect(reader.location('a')?.path).toBe(`${dir}/one.safetensors`);
    await expect(reader.readBytes('c')).rejects.toThrow(new UserError(`model folder '${dir}': no tensor 'c'`));
    await reader.close();
  });

  test('of one file needs no index', async () => {
    mkdirSync(path('single'));
    file('single/model.safetensors', `{"a":${F32(0, 4)}}`, 4);
    const reader = await openSafetensorsFolder(path('single'));
    expect([...reader.tensors.keys()]).toEqual(['a']);
    await reader.close();
  });

  test('without weights says what it expected', async () => {
    const dir = folder('none');
    const sentence = `model folder '${dir}': expected 'model.safetensors' or 'model.safetensors.index.json', got neither`;
    await expect(openSafetensorsFolder(dir)).rejects.toThrow(new UserError(sentence));
  });

  test.each([
    '../one.safetensors',
    '/etc/passwd',
    'a/b.safetensors',
    '..',
    '.safetensors',
    'a\\b.safetensors',
    'x.bin',
    3,
    '',
  ])('does not follow the shard name %j', async (name) => {
    const dir = folder(`name-${JSON.stringify(name).replace(/\W/g, '_')}`, { weight_map: { a: name } });
    const sentence = `index '${dir}/model.safetensors.index.json': tensor 'a': expected the name of a .safetensors file in the same folder, got ${JSON.stringify(name)}`;
    await expect(openSafetensorsFolder(dir)).rejects.toThrow(new UserError(sentence));
  });

  test('whose index promises a tensor that is not there', async () => {
    const dir = folder('promise', { weight_map: { c: 'one.safetensors' } });
    const sentence = `model folder '${dir}': 'model.safetensors.index.json' puts tensor 'c' in 'one.safetensors', which has no such tensor`;
    await expect(openSafetensorsFolder(dir)).rejects.toThrow(new UserError(sentence));
  });
});
