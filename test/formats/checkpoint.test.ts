// Checkpoints: round trips, equal bytes, random access, and what a hostile or damaged file gets.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCheckpoint, openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { DTYPES, dtypeBytes, fromFloat32 } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import { scratchFolder } from './files.ts';

const { path, write } = scratchFolder();

const WEIGHT = Float32Array.from({ length: 30 }, (_, i) => i / 8 - 1);

/** A checkpoint of four tensors; `maxPieceBytes` small enough splits the first. */
async function sample(name: string, maxPieceBytes?: number): Promise<string> {
  const writer = await createCheckpoint(path(name), { config: '{"layers":2}', a: 'ü' }, maxPieceBytes);
  await writer.write('layer.0.weight', 'F32', [3, 10], fromFloat32('F32', WEIGHT));
  await writer.write('norm', 'BF16', [30], fromFloat32('BF16', WEIGHT));
  await writer.write('empty', 'F32', [0, 4], new Uint8Array(0));
  await writer.write('tokenizer.json', 'U8', [5], new TextEncoder().encode('hello'));
  await writer.close();
  return path(name);
}

describe('a checkpoint', () => {
  test('gives back its metadata, names, shapes and values', async () => {
    const reader = await openCheckpoint(await sample('round.arrow'));
    expect(reader.metadata).toEqual({ config: '{"layers":2}', a: 'ü' });
    expect([...reader.tensors.values()]).toEqual([
      { name: 'layer.0.weight', dtype: 'F32', shape: [3, 10], byteLength: 120 },
      { name: 'norm', dtype: 'BF16', shape: [30], byteLength: 60 },
      { name: 'empty', dtype: 'F32', shape: [0, 4], byteLength: 0 },
      { name: 'tokenizer.json', dtype: 'U8', shape: [5], byteLength: 5 },
    ]);
    expect(await reader.readFloat32('layer.0.weight')).toEqual(WEIGHT);
    expect(await reader.readFloat32('norm')).toEqual(WEIGHT); // eighths below 4 are exact in bfloat16
    expect(new TextDecoder().decode(await reader.readBytes('tokenizer.json'))).toBe('hello');
    await reader.close();
  });

  test('says where the bytes of a tensor lie, at multiples of 64', async () => {
    const file = await sample('place.arrow');
    const reader = await openCheckpoint(file);
    const bytes = readFileSync(file);
    for (const name of reader.tensors.keys()) {
      const place = reader.location(name);
      if (place === undefined) throw new Error('expected a place');
      expect(place.offset % 64).toBe(0);
      expect(bytes.subarray(place.offset, place.offset + place.length)).toEqual(
        Buffer.from(await reader.readBytes(name)),
      );
    }
    await reader.close();
  });

  test('holds a tensor in several pieces when one batch is too small for it', async () => {
    const reader = await openCheckpoint(await sample('pieces.arrow', 64));
    expect(await reader.readFloat32('layer.0.weight')).toEqual(WEIGHT);
    expect(reader.location('layer.0.weight')).toBeUndefined();
    const all = await reader.readBytes('layer.0.weight');
    expect(await reader.readRange('layer.0.weight', 60, 12)).toEqual(all.slice(60, 72)); // the first piece ends at 64
    await expect(reader.readRange('layer.0.weight', 60, 61)).rejects.toThrow(
      'has 120 bytes, got a range from 60 to 121',
    );
    expect(reader.location('norm')?.length).toBe(60);
    await reader.close();
  });

  test("is read by apache-arrow's own reader", async () => {
    const table = tableFromIPC(readFileSync(await sample('second.arrow', 64)));
    const rows = table.toArray().map((row) => row?.toJSON());
    expect(rows.map((row) => [row?.name, row?.dtype, [...(row?.shape ?? [])], row?.offset])).toEqual([
      ['layer.0.weight', 'F32', [3, 10], 0n],
      ['layer.0.weight', 'F32', [3, 10], 64n],
      ['norm', 'BF16', [30], 0n],
      ['empty', 'F32', [0, 4], 0n],
      ['tokenizer.json', 'U8', [5], 0n],
    ]);
    expect(rows.at(-1)?.bytes).toEqual(new TextEncoder().encode('hello'));
    expect(table.schema.metadata.get('format')).toBe('lamina-checkpoint');
  });

  test('has bytes that never change: same input, same digest', async () => {
    const digest = createHash('sha256')
      .update(readFileSync(await sample('golden.arrow')))
      .digest('hex');
    expect(digest).toBe('fd9fdda7cf6e988a9a348b11f6bde23145f72f5119ffce90c8d994201138a74b'); // pinned: pyarrow 26.0.1 read these bytes as a file and as a stream
  });

  test('never has a batch of 1 GiB or more, which readers cannot take', async () => {
    const writer = await createCheckpoint(path('huge.arrow'), {}, 2 ** 31);
    const huge = new Uint8Array(2 ** 30); // never touched: the size alone is refused
    await expect(writer.write('x', 'U8', [2 ** 30], huge)).rejects.toThrow(RangeError);
    await writer.abort();
  });

  test('does not depend on the order of its metadata', async () => {
    const orders: Record<string, string>[] = [
      { a: '1', b: '2' },
      { b: '2', a: '1' },
    ];
    const files = orders.map(async (metadata, i) => {
      const writer = await createCheckpoint(path(`order-${i}.arrow`), metadata);
      await writer.close();
      return readFileSync(path(`order-${i}.arrow`));
    });
    const [one, two] = await Promise.all(files);
    expect(one).toEqual(two);
  });

  test('of any names, types and shapes survives a round trip', async () => {
    const tensor = fc.record({
      name: fc.string({ unit: 'binary' }),
      dtype: fc.constantFrom(...DTYPES),
      shape: fc.array(fc.nat(5), { maxLength: 4 }),
    });
    const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(tensors, fc.integer({ min: 1, max: 300 }), async (list, piece) => {
        const writer = await createCheckpoint(path('any.arrow'), {}, piece * 8);
        const contents = list.map(({ dtype, shape }, k) =>
          Uint8Array.from({ length: shape.reduce((a, b) => a * b, dtypeBytes(dtype)) }, (_, i) => i * 7 + k),
        );
        for (const [k, { name, dtype, shape }] of list.entries()) {
          await writer.write(name, dtype, shape, contents[k] as Uint8Array);
        }
        await writer.close();
        const reader = await openCheckpoint(path('any.arrow'));
        expect([...reader.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(list);
        for (const [k, { name }] of list.entries()) expect(await reader.readBytes(name)).toEqual(contents[k]);
        await reader.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('a wrong file', () => {
  test('that is not there', async () => {
    const file = path('none.arrow');
    await expect(openCheckpoint(file)).rejects.toThrow(new UserError(`checkpoint '${file}': no such file or folder`));
  });

  test('that is a folder', async () => {
    const sentence = `checkpoint '${path('.')}': expected a file, got a folder or a device`;
    await expect(openCheckpoint(path('.'))).rejects.toThrow(new UserError(sentence));
  });

  test('that is not Arrow', async () => {
    const file = write('text.arrow', 'hello');
    const sentence = `checkpoint '${file}': expected an Arrow IPC file, got a file that does not begin with 'ARROW1'`;
    await expect(openCheckpoint(file)).rejects.toThrow(new UserError(sentence));
  });

  test('cut anywhere is refused in a sentence that names the file', async () => {
    const whole = readFileSync(await sample('whole.arrow'));
    for (let size = 0; size < whole.length; size += 97) {
      const file = write('cut.arrow', whole.subarray(0, size));
      await expect(openCheckpoint(file)).rejects.toThrow(UserError);
    }
    const file = write('cut.arrow', whole.subarray(0, 1000));
    const sentence = `checkpoint '${file}' is damaged or unfinished: the file ends without its footer after 1000 bytes (make it again)`;
    await expect(openCheckpoint(file)).rejects.toThrow(new UserError(sentence));
  });

  test('with any bytes of its metadata changed is refused, or read; it never breaks the program', async () => {
    const whole = readFileSync(await sample('flip.arrow'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (flips) => {
          const bytes = Buffer.from(whole);
          for (const [at, byte] of flips) bytes[at] = byte;
          await readAll(write('flipped.arrow', bytes));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('of another format or version', async () => {
    const other = readFileSync(await sample('other.arrow'));
    const swap = (from: string, to: string) => Buffer.from(other.toString('latin1').replaceAll(from, to), 'latin1');
    const file = write('other.arrow', swap('lamina-checkpoint', 'lamina-activation'));
    const sentence = `checkpoint '${file}': expected format 'lamina-checkpoint', got 'lamina-activation'`;
    await expect(openCheckpoint(file)).rejects.toThrow(new UserError(sentence));
  });

  test('has no tensor of another name', async () => {
    const file = await sample('names.arrow');
    const reader = await openCheckpoint(file);
    await expect(reader.readBytes('nrom')).rejects.toThrow(new UserError(`checkpoint '${file}': no tensor 'nrom'`));
    await reader.close();
  });

  test('left unfinished by a writer is refused', async () => {
    const writer = await createCheckpoint(path('unfinished.arrow'), {});
    await writer.write('x', 'U8', [1], Uint8Array.of(1));
    await writer.abort();
    await expect(openCheckpoint(path('unfinished.arrow'))).rejects.toThrow(UserError);
  });

  test('cannot be created in a folder that is not there', async () => {
    const file = path('none/x.arrow');
    await expect(createCheckpoint(file, {})).rejects.toThrow(new UserError(`file '${file}': no such file or folder`));
  });
});

/** Opens a file and reads everything in it; only a UserError may stop this. */
async function readAll(file: string): Promise<void> {
  let reader: Awaited<ReturnType<typeof openCheckpoint>> | undefined;
  try {
    reader = await openCheckpoint(file);
    for (const name of reader.tensors.keys()) await reader.readBytes(name);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  } finally {
    await reader?.close();
  }
}
