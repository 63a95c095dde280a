// GGUF files read: what was written, parts of one model, and files that are damaged or lie, each in one sentence.
import { mkdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createGguf, type GgufEntry } from '../../formats/tensors/gguf.ts';
import { encodeGguf } from '../../formats/tensors/gguf-encode.ts';
import { ggufInFolder, openGgufModel } from '../../formats/tensors/gguf-parts.ts';
import { openGguf } from '../../formats/tensors/gguf-reader.ts';
import type { GgufType } from '../../formats/tensors/gguf-types.ts';
import { ByteList } from '../../formats/text/byte-list.ts';
import { scratchFolder } from './files.ts';
import { damagedBytes, readsOrRefuses } from './mutate.ts';

const scratch = scratchFolder();
const values = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i));

async function written(
  name: string,
  entries: readonly GgufEntry[],
  tensors: Record<string, GgufType>,
): Promise<string> {
  const path = scratch.path(name);
  const places = Object.entries(tensors).map(([tensor, type]) => ({ name: tensor, type, shape: [2, 64] }));
  const writer = await createGguf(path, entries, places);
  for (const place of places) await writer.write(place.name, encodeGguf(place.type, values));
  await writer.close();
  return path;
}

const entries: GgufEntry[] = [
  ['general.architecture', 'string', 'llama'],
  ['a.uint', 'uint32', 2 ** 32 - 1],
  ['a.int', 'int32', -7],
  ['a.float', 'float32', 0.5],
  ['a.bool', 'bool', true],
  ['a.texts', 'strings', ['', 'ü🚀', '\ufeffx']],
  ['a.ints', 'int32s', [1, -2]],
];

it('gives metadata and tensors as they were written', async () => {
  const path = await written('whole.gguf', entries, { 'a.weight': 'F32', 'b.weight': 'Q8_0', 'c.weight': 'BF16' });
  const { metadata, tensors, readFloat32, readBytes, close } = await openGguf(path);
  expect([...metadata]).toEqual(entries.map(([key, , value]) => [key, value]));
  expect([...tensors.values()].map(({ name, type, shape }) => [name, type, shape])).toEqual([
    ['a.weight', 'F32', [2, 64]],
    ['b.weight', 'Q8_0', [2, 64]],
    ['c.weight', 'BF16', [2, 64]],
  ]);
  expect(await readFloat32('a.weight')).toEqual(values);
  expect(await readBytes('b.weight')).toEqual(encodeGguf('Q8_0', values));
  expect(Math.abs((await readFloat32('b.weight'))[5] as number)).toBeCloseTo(Math.abs(Math.sin(5)), 2);
  await expect(readFloat32('d')).rejects.toThrow("no tensor 'd'");
  await close();
});

describe('a model in parts', () => {
  const part = (no: number, count: number): GgufEntry[] => [
    ['split.no', 'uint32', no],
    ['split.count', 'uint32', count],
  ];

  it('is read as one, by its first file or by its folder', async () => {
    mkdirSync(scratch.path('parts'));
    const total: GgufEntry = ['split.tensors.count', 'int32', 3];
    const first = await written('parts/m-00001-of-00002.gguf', [...part(0, 2), total], { a: 'F32', b: 'F32' });
    const second = await written('parts/m-00002-of-00002.gguf', part(1, 2), { c: 'Q4_0' });
    expect(await ggufInFolder(scratch.path('parts'))).toBe(first);
    const { tensors, readBytes, close } = await openGgufModel(first);
    expect([...tensors.keys()]).toEqual(['a', 'b', 'c']);
    expect(await readBytes('c')).toEqual(encodeGguf('Q4_0', values));
    await close();
    await expect(openGgufModel(second)).rejects.toThrow(
      "it is part 2 of 2, expected the first: 'm-00001-of-00002.gguf'",
    );
  });

  it('that are not all there, or not of one model, are refused', async () => {
    const alone = await written('n-00001-of-00002.gguf', part(0, 2), { a: 'F32' });
    await expect(openGgufModel(alone)).rejects.toThrow('n-00002-of-00002.gguf');
    await written('n-00002-of-00002.gguf', part(1, 2), { a: 'F32' });
    await expect(openGgufModel(alone)).rejects.toThrow("tensor 'a': an earlier part has it, too");
    await written('n-00002-of-00002.gguf', part(0, 2), { b: 'F32' });
    await expect(openGgufModel(alone)).rejects.toThrow("expected part 2, got 'split.no' 0");
    await written('n-00002-of-00002.gguf', part(1, 2), { b: 'F32' });
    const short = await written('n-00001-of-00002.gguf', [...part(0, 2), ['split.tensors.count', 'int32', 9]], {
      a: 'F32',
    });
    await expect(openGgufModel(short)).rejects.toThrow('expected 9 tensors in all parts, got 2');
    const renamed = await written('renamed.gguf', part(0, 2), { a: 'F32' });
    await expect(openGgufModel(renamed)).rejects.toThrow("expected a name that ends in '-00001-of-00002.gguf'");
    expect(await ggufInFolder(scratch.dir)).toBeUndefined();
  });
});

/** A header of the given counts, then what `write` puts there. */
function header(write: (bytes: ByteList) => void, { version = 3, tensors = 0, keys = 0 } = {}): Uint8Array {
  const bytes = new ByteList();
  bytes.raw(Buffer.from('GGUF')).uint32(version).uint64(tensors).uint64(keys);
  write(bytes);
  return bytes.joined();
}

const tensor = (bytes: ByteList, { name = 'a', shape = [64], type = 0, offset = 0 } = {}) => {
  bytes.text(name).uint32(shape.length);
  for (const size of shape) bytes.uint64(size);
  return bytes.uint32(type).uint64(offset);
};
const padded = (bytes: ByteList, size: number) => bytes.raw(new Uint8Array(size));

describe('a file that lies', () => {
  const wanted: [string, Uint8Array, string][] = [
    ['empty', new Uint8Array(), 'its header: expected 4 bytes at 0, got a file of 0 bytes'],
    ['another format', Buffer.from('PK\u0003\u0004 and more'), "expected a GGUF file, which begins with 'GGUF'"],
    ['version 1', header(() => {}, { version: 1 }), 'expected version 2 or 3, got 1: convert the model again'],
    ['version 9', header(() => {}, { version: 9 }), 'expected version 2 or 3, got 9'],
    ['big-endian', header(() => {}, { version: 0x03000000 }), 'the file is big-endian'],
    ['2^60 tensors', header(() => {}, { tensors: 2 ** 60 }), `expected ${2 ** 60} tensors, got 8 bytes for them`],
    ['2^60 keys', header(() => {}, { keys: 2 ** 60 }), `expected ${2 ** 60} keys, got 0 bytes for them`],
    [
      'a key beyond the file',
      header((bytes) => padded(bytes.uint64(2 ** 60), 20), { keys: 1 }),
      `key 1 of its metadata: expected ${2 ** 60} bytes at 32, got a file of`,
    ],
    [
      'a text beyond the file',
      header((bytes) => bytes.text('general.name').uint32(8).uint64(99), { keys: 1 }),
      "key 'general.name' of its metadata: expected 99 bytes at",
    ],
    [
      'an array of 2^60',
      header(
        (bytes) =>
          bytes
            .text('k')
            .uint32(9)
            .uint32(4)
            .uint64(2 ** 60),
        { keys: 1 },
      ),
      `key 'k' of its metadata: expected ${2 ** 60} items, got 0 bytes for them`,
    ],
    [
      'arrays nested deep',
      header(
        (bytes) => {
          bytes.text('k').uint32(9);
          for (let i = 0; i < 5000; i++) bytes.uint32(9).uint64(1);
          bytes.uint32(4).uint64(0);
        },
        { keys: 1 },
      ),
      "key 'k' of its metadata: it has arrays in more than 4 others",
    ],
    [
      'an unknown type of value',
      header((bytes) => padded(bytes.text('k').uint32(77), 8), { keys: 1 }),
      "key 'k' of its metadata: its type has the number 77",
    ],
    [
      'a key twice',
      header((bytes) => bytes.text('k').uint32(4).uint32(1).text('k').uint32(4).uint32(1), { keys: 2 }),
      "key 'k' of its metadata: it stands twice",
    ],
    [
      'a text that is none',
      header(
        (bytes) =>
          bytes
            .text('k')
            .uint32(8)
            .uint64(2)
            .raw(new Uint8Array([0xff, 0xfe])),
        { keys: 1 },
      ),
      "key 'k' of its metadata: expected text in UTF-8",
    ],
    [
      'a bool of 7',
      header((bytes) => bytes.text('kkkk').uint32(7).uint8(7), { keys: 1 }),
      'expected 0 or 1 for false or true, got 7',
    ],
    ...[0, 24, 2 ** 31].map((alignment): [string, Uint8Array, string] => [
      `alignment ${alignment}`,
      header((bytes) => bytes.text('general.alignment').uint32(4).uint32(alignment), { keys: 1 }),
      `key 'general.alignment' of its metadata: expected a power of two from 1 to 1048576, got ${alignment}`,
    ]),
    [
      'a type that is not read',
      header((bytes) => tensor(bytes, { type: 16 }), { tensors: 1 }),
      "tensor 'a': expected a type that lamina reads (F32, F16, Q4_0",
    ],
    [
      'a type that is none',
      header((bytes) => tensor(bytes, { type: 12345 }), { tensors: 1 }),
      'got 12345: take a file of another type',
    ],
    [
      'no dimensions',
      header((bytes) => padded(bytes.text('a').uint32(0), 40), { tensors: 1 }),
      "tensor 'a': expected 1 to 4 dimensions, got 0",
    ],
    [
      '2^31 dimensions',
      header((bytes) => padded(bytes.text('a').uint32(2 ** 31), 40), { tensors: 1 }),
      'expected 1 to 4 dimensions, got 2147483648',
    ],
    [
      'a shape beyond numbers',
      header((bytes) => tensor(bytes, { shape: [2 ** 40, 2 ** 40] }), { tensors: 1 }),
      "tensor 'a': expected a shape of sizes, got [1099511627776, 1099511627776]",
    ],
    [
      'rows of no whole blocks',
      header((bytes) => tensor(bytes, { shape: [33, 2], type: 8 }), { tensors: 1 }),
      'expected a shape of sizes with rows of a multiple of 32 numbers for Q8_0, got [2, 33]',
    ],
    [
      'data beyond the file',
      header((bytes) => tensor(bytes, { shape: [2 ** 40] }), { tensors: 1 }),
      "tensor 'a': expected 4398046511104 bytes at 64, got a file of",
    ],
    [
      'data elsewhere',
      header((bytes) => tensor(bytes, { offset: 4096 }), { tensors: 1 }),
      "tensor 'a': expected its data at 0, behind those of the tensor before it, got 4096",
    ],
    [
      'data over that of another',
      header((bytes) => padded(tensor(tensor(bytes), { name: 'b' }), 1024), { tensors: 2 }),
      "tensor 'b': expected its data at 256, behind those of the tensor before it, got 0",
    ],
    [
      'a tensor twice',
      header((bytes) => padded(tensor(tensor(bytes), { offset: 256 }), 1024), { tensors: 2 }),
      "tensor 'a': it stands twice",
    ],
  ];

  it.each(wanted)('%s: one sentence with its place', async (name, content, why) => {
    const path = scratch.write(`${name.replaceAll(/\W/g, '-')}.gguf`, content);
    await expect(openGguf(path)).rejects.toThrow(why);
    await expect(openGguf(path)).rejects.toThrow(`GGUF file '${path}': `);
  });
});

it('every file that is cut short is refused', async () => {
  const whole = readFileSync(await written('long.gguf', entries, { a: 'F32', b: 'Q4_0' }));
  const last = whole.length - 24; // the padding behind the last tensor may be missing
  for (let length = 0; length < last; length += 7) {
    await expect(openGguf(scratch.write('cut.gguf', whole.subarray(0, length)))).rejects.toThrow('cut.gguf');
  }
});

it('a damaged file is read or refused by name', async () => {
  const whole = readFileSync(await written('sound.gguf', entries, { a: 'F32', b: 'Q4_0', c: 'Q8_0' }));
  await fc.assert(
    fc.asyncProperty(damagedBytes(whole), async (bytes) => {
      const path = scratch.write('damaged.gguf', bytes);
      await readsOrRefuses('damaged.gguf', async () => {
        const { tensors, readFloat32, close } = await openGguf(path);
        try {
          for (const name of tensors.keys()) await readFloat32(name);
        } finally {
          await close();
        }
      });
    }),
    { numRuns: 400, seed: 20261130 },
  );
});
