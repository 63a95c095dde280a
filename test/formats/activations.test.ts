// Activations: reads by row, equal bytes however the rows came, damaged files.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createActivations, openActivations } from '../../formats/tensors/activations.ts';
import { UserError } from '../../util/errors.ts';
import { scratchFolder } from './files.ts';

const { path, write } = scratchFolder();

const COLUMNS = { input: { width: 3, dtype: 'F32' }, output: { width: 2, dtype: 'F16' } } as const;

/** [rows, width] values that differ by row and are exact in float16. */
function rowsOf(rows: number, width: number): Float32Array {
  return Float32Array.from({ length: rows * width }, (_, i) => i / 4);
}

/** Writes `rows` rows in portions of the given sizes. */
async function sample(name: string, rows: number, rowsPerBatch: number, portions: number[] = []): Promise<string> {
  const writer = await createActivations(path(name), { columns: COLUMNS, metadata: { layer: '3' }, rowsPerBatch });
  const [input, output] = [rowsOf(rows, 3), rowsOf(rows, 2)];
  for (let at = 0, k = 0; at < rows; k++) {
    const count = Math.min(rows - at, portions[k] ?? rows);
    const part = (values: Float32Array, width: number) => values.subarray(at * width, (at + count) * width);
    await writer.append({ input: part(input, 3), output: part(output, 2) }, count);
    at += count;
  }
  await writer.close();
  return path(name);
}

describe('activations', () => {
  test('are read by rows and column across batches', async () => {
    const reader = await openActivations(await sample('rows.arrow', 10, 4));
    expect(reader.rows).toBe(10);
    expect(Object.fromEntries(reader.columns)).toEqual(COLUMNS);
    expect(reader.metadata).toEqual({ layer: '3' });
    expect(await reader.readRows(0, 10, 'input')).toEqual(rowsOf(10, 3));
    expect(await reader.readRows(3, 6, 'output')).toEqual(rowsOf(10, 2).slice(6, 18));
    expect(await reader.readRows(10, 0, 'input')).toEqual(new Float32Array(0));
    await reader.close();
  });

  test('have the same bytes however the rows were appended', async () => {
    const whole = readFileSync(await sample('whole.arrow', 23, 5));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(12), { maxLength: 10 }), async (portions) => {
        expect(readFileSync(await sample('portions.arrow', 23, 5, portions)).equals(whole)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  test('have bytes that never change', async () => {
    const digest = createHash('sha256')
      .update(readFileSync(await sample('golden.arrow', 10, 4)))
      .digest('hex');
    expect(digest).toBe('7f29e024407ffa716d7571e21c12ba09511beff1f5eb137f968ad990521e260a'); // pinned: pyarrow 26.0.1 read these bytes as a file and as a stream
  });

  test("are read by apache-arrow's own reader", async () => {
    const table = tableFromIPC(readFileSync(await sample('second.arrow', 10, 4)));
    expect(table.batches.map((batch) => batch.numRows)).toEqual([4, 4, 2]);
    expect([...(table.getChild('input')?.get(9) ?? [])]).toEqual([6.75, 7, 7.25]);
    expect([...(table.getChild('output')?.get(9) ?? [])]).toEqual([4.5, 4.75]);
  });

  test('of no rows are a file of no rows', async () => {
    const reader = await openActivations(await sample('none.arrow', 0, 4));
    expect(reader.rows).toBe(0);
    await reader.close();
  });

  test('hold 32 MiB per batch unless told otherwise', async () => {
    const columns = { input: { width: 2 ** 20, dtype: 'F32' } } as const;
    const writer = await createActivations(path('large.arrow'), { columns });
    await writer.append({ input: new Float32Array(9 * 2 ** 20) }, 9);
    await writer.close();
    const reader = await openActivations(path('large.arrow'));
    expect(reader.rows).toBe(9);
    expect((await reader.readRows(8, 1, 'input')).length).toBe(2 ** 20);
    await reader.close();
  });
});

describe('wrong activations', () => {
  test('are refused where they are cut', async () => {
    const whole = readFileSync(await sample('cut.arrow', 10, 4));
    const file = write('cut.arrow', whole.subarray(0, whole.length - 100));
    const sentence = `activations file '${file}' is damaged or unfinished: the file ends without its footer after ${whole.length - 100} bytes (make it again)`;
    await expect(openActivations(file)).rejects.toThrow(new UserError(sentence));
  });

  test('with changed bytes never break the program', async () => {
    const whole = readFileSync(await sample('flip.arrow', 10, 4));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        await readAll(write('flipped.arrow', bytes));
      }),
      { numRuns: 300 },
    );
  });

  test('have no column of another name', async () => {
    const file = await sample('names.arrow', 10, 4);
    const reader = await openActivations(file);
    const sentence = `activations file '${file}': no column 'inputs', expected one of input, output`;
    await expect(reader.readRows(0, 1, 'inputs')).rejects.toThrow(new UserError(sentence));
    await reader.close();
  });
});

async function readAll(file: string): Promise<void> {
  let reader: Awaited<ReturnType<typeof openActivations>> | undefined;
  try {
    reader = await openActivations(file);
    if (reader.rows < 1000) for (const name of reader.columns.keys()) await reader.readRows(0, reader.rows, name);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  } finally {
    await reader?.close();
  }
}
