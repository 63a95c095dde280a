// Records: whatever happens to their bytes, one that is accepted is the one that was written.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { openFileStore } from '../../store/file-store.ts';
import { cacheKey, type KeyPreimage, preimageText } from '../../store/key.ts';
import { layoutOf } from '../../store/layout.ts';
import { parseRecord, recordOf, recordText, type StoreRecord } from '../../store/record.ts';
import { findOne } from '../../store/store.ts';
import { emptyFolder, preimage, publish } from './drafts.ts';

const key = cacheKey(preimage({ a: 1 }));
const ref = (text: string) => ({ digest: sha256(text), size: text.length });
const shape = { out: { extension: 'txt' }, curve: { extension: 'txt', optional: true } };

/** A record with everything that one can hold. */
const whole: StoreRecord = recordOf(
  (() => {
    const made: KeyPreimage = {
      t: 'action/1',
      stage: 'slw',
      version: 3,
      params: { lr: 1e-3, epochs: 5, candidate: 'g0', betas: [0.9, 0.95], note: null, quiet: false },
      inputs: { model: ref('model'), activations: { units: { 'layer 3': ref('3'), 'layer 4': ref('4') } } },
      sources: { '/data/path': { ...ref('data'), hub: 'hf://datasets/a/b@0123/x' } as never },
      seed: 7,
      numerics: { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 2 },
      unit: '3→4',
    };
    const name = {
      experiment: 'quickstart',
      node: 'warm[type=T_next]',
      stage: 'warm',
      cell: 'type=T_next',
      unit: '3→4',
    };
    const took = { started: '2026-01-01T00:00:00.000Z', duration_ms: 1234, peak_rss_bytes: 123456789 };
    return {
      key: cacheKey(made),
      preimage: made,
      outputs: { recovery: { ...ref('r'), extension: 'arrow' }, curve: { ...ref('[]'), extension: 'json' } },
      trusted: [ref('model').digest],
      facts: { layers: 12, shapes: [[576, 1536]], loss: 0.03125, names: ['Ümlaut', '日本'] },
      about: { ...name, ...took, host: 'node-3', versions: { lamina: '0.1.0', node: '20.19.0' } },
    };
  })(),
);

async function filledStore() {
  const folder = join(emptyFolder(), 'store');
  const store = await openFileStore(folder, { mode: 'write' });
  await publish(store, { a: 1 }, { out: 'hello' });
  const layout = layoutOf(folder);
  const path = layout.record(key);
  const read = () => JSON.parse(readFileSync(path, 'utf8'));
  return { folder, store, layout, path, read };
}

/** As it was written before its file was its canonical text. */
function spaced(record: StoreRecord): string {
  return `${JSON.stringify(JSON.parse(recordText(record)), undefined, 1)}\n`;
}

/** As version 1 had it: without a digest, and without what was taken on trust. */
function versionOne(text: string, change: object = {}): string {
  const { digest: _digest, trusted: _trusted, ...rest } = JSON.parse(text);
  return `${JSON.stringify({ ...rest, version: 1, ...change }, undefined, 1)}\n`;
}

describe('a record', () => {
  it('is read as it was written', () => {
    expect(parseRecord(recordText(whole), whole.key)).toEqual({ record: whole, old: false });
  });

  it('is read alike as it was written before, with white space, and where its pre-image is known', () => {
    const known = { preimage: whole.preimage, text: preimageText(whole.preimage) };
    for (const text of [recordText(whole), spaced(whole)]) {
      expect(parseRecord(text, whole.key, known)).toEqual({ record: whole, old: false });
    }
    const other = { preimage: preimage({ a: 1 }), text: preimageText(preimage({ a: 1 })) };
    expect(parseRecord(recordText(whole), whole.key, other)).toEqual({ record: whole, old: false });
  });

  it('that is sealed and no JSON is refused', () => {
    const known = { preimage: whole.preimage, text: preimageText(whole.preimage) };
    const own = `{"a",,"preimage":${known.text}}`;
    const text = `${own.slice(0, -1)},"digest":"${sha256(own)}"}\n`;
    expect(parseRecord(text, whole.key, known)).toBe('is not JSON');
  });

  it.each([
    ['as it is written', false, false],
    ['as it is written, with its pre-image known,', false, true],
    ['with white space', true, false],
    ['with white space, with its pre-image known,', true, true],
  ])(
    '%s and any single bit flipped, any byte removed or doubled is refused, unless it still says the same',
    (_, isSpaced, isKnown) => {
      const bytes = Buffer.from(isSpaced ? spaced(whole) : recordText(whole));
      const known = isKnown ? { preimage: whole.preimage, text: preimageText(whole.preimage) } : undefined;
      const accepted: StoreRecord[] = [];
      const tryOut = (changed: Buffer) => {
        const found = parseRecord(changed.toString('utf8'), whole.key, known);
        if (typeof found !== 'string') accepted.push(found.record);
      };
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const flipped = Buffer.from(bytes);
          flipped[at] = (flipped[at] as number) ^ (1 << bit);
          tryOut(flipped);
        }
        tryOut(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]));
        tryOut(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + 1), bytes.subarray(at)]));
      }
      expect(accepted.length).toBeGreaterThan(isSpaced ? 100 : 0); // white space that went, or that became another
      expect(accepted.filter((record) => !isDeepStrictEqual(record, whole))).toEqual([]);
    },
  );

  it('keeps half a character of somebody’s data as one that can be written', () => {
    const record = recordOf({ ...whole, facts: { text: 'a\ud800b' } });
    expect(parseRecord(recordText(record), whole.key)).toMatchObject({ record: { facts: { text: 'a\ufffdb' } } });
  });
});

describe('a record in a store', () => {
  it.each([
    ['', 'is not JSON'],
    ['{"format": "lamina-record"', 'is not JSON'],
    ['{}', 'is not a lamina record'],
    ['{"format": "lamina-record", "version": 3}', 'has the unknown version 3'],
    ['{"format": "lamina-record", "version": 2}', 'was changed on disk'],
    ['{"format": "lamina-record", "version": 1, "key": "other"}', 'belongs to another key'],
  ])('that reads %j is put aside', async (text, detail) => {
    const { store, path } = await filledStore();
    writeFileSync(path, text);
    expect(await findOne(store, key)).toEqual({ status: 'damaged', detail: `the record '${path}' ${detail}` });
    expect(await findOne(store, key)).toEqual({ status: 'miss' });
    expect((await publish(store, { a: 1 }, { out: 'hello' })).status).toBe('published');
  });

  it('that is a folder is put aside', async () => {
    const { store, path } = await filledStore();
    rmSync(path);
    mkdirSync(path);
    expect(await findOne(store, key)).toMatchObject({
      status: 'damaged',
      detail: expect.stringContaining('is not JSON'),
    });
    expect((await publish(store, { a: 1 }, { out: 'hello' })).status).toBe('published');
  });

  it.each([
    ['an output with another name', (record: StoreRecord) => ({ outputs: { ouT: record.outputs.out } })],
    ['a size that is off by one', (record: StoreRecord) => ({ outputs: { out: { ...record.outputs.out, size: 6 } } })],
    ['the outputs of another record', () => ({ outputs: { out: { ...ref('other'), extension: 'txt' } } })],
    ['another extension', (record: StoreRecord) => ({ outputs: { out: { ...record.outputs.out, extension: 'bin' } } })],
    ['other facts', () => ({ facts: { layers: 5 } })],
    ['another time', (record: StoreRecord) => ({ about: { ...record.about, duration_ms: 6 } })],
    ['nothing that was trusted', () => ({ trusted: ['0'.repeat(64)] })],
    ['an edited pre-image', (record: StoreRecord) => ({ preimage: { ...record.preimage, version: 2 } })],
  ])('with %s is put aside and made again', async (_, change) => {
    const { folder, store, path, read } = await filledStore();
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, `${JSON.stringify({ ...read(), ...change(read()) }, undefined, 1)}\n`);
    expect(await findOne(store, key, shape)).toEqual({
      status: 'damaged',
      detail: `the record '${path}' was changed on disk`,
    });
    expect(readdirSync(join(folder, 'quarantine'))).toHaveLength(1);
    await publish(store, { a: 1 }, { out: 'hello' });
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('whose outputs are not those of its stage is put aside: the stage is another one by now', async () => {
    const { store } = await filledStore();
    expect((await findOne(store, key, shape)).status).toBe('hit');
    const wanted = { ...shape, second: { extension: 'txt' } };
    expect(await findOne(store, key, wanted)).toMatchObject({
      status: 'damaged',
      detail: expect.stringMatching(/lacks the output 'second'$/),
    });
    await publish(store, { a: 1 }, { out: 'hello' });
    expect(await findOne(store, key, { curve: { extension: 'txt', optional: true } })).toMatchObject({
      status: 'damaged',
      detail: expect.stringMatching(/has an output 'out' that its stage does not make so$/),
    });
  });

  it('is not believed for its version: the number of version 1 does not take the digest away', async () => {
    const { store, path, read } = await filledStore();
    writeFileSync(path, JSON.stringify({ ...read(), version: 1, facts: { layers: 5 } }));
    expect((await findOne(store, key)).status).toBe('damaged');
  });

  it.each([
    ['half a character', JSON.stringify('\ud800')],
    ['more levels than anybody can walk', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('whose pre-image holds %s is refused, of either version', async (_, value) => {
    const { store, path } = await filledStore();
    const text = readFileSync(path, 'utf8');
    for (const each of [text, versionOne(text)]) {
      writeFileSync(path, each.replace(/"a": ?1/, `"a":${value}`));
      expect(await findOne(store, key)).toMatchObject({
        detail: expect.stringMatching(/was changed on disk$|does not match its key$/),
      });
    }
  });
});

describe('a record of version 1', () => {
  it('is accepted and written anew with its digest; what it was made from counts as not read over', async () => {
    const folder = join(emptyFolder(), 'store');
    const store = await openFileStore(folder, { mode: 'write' });
    const inputs = { x: ref('x'), y: { units: { u: ref('u') } } };
    const { record } = await publish(store, { a: 1 }, { out: 'hello' }, { inputs });
    const path = layoutOf(folder).record(record.key);
    writeFileSync(path, versionOne(readFileSync(path, 'utf8')));
    const trusted = [ref('x').digest, ref('u').digest];
    const reader = await openFileStore(folder, { mode: 'read' });
    expect(await findOne(reader, record.key)).toEqual({ status: 'hit', record: { ...record, trusted } });
    expect(JSON.parse(readFileSync(path, 'utf8')).version).toBe(1); // who only reads changes nothing
    expect(await findOne(store, record.key)).toEqual({ status: 'hit', record: { ...record, trusted } });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: 2, trusted, digest: expect.any(String) });
    expect(await findOne(store, record.key)).toEqual({ status: 'hit', record: { ...record, trusted } });
    expect(readdirSync(join(folder, 'leases'))).toEqual([]);
  });

  it('is left alone while somebody works on its key', async () => {
    const { store, path } = await filledStore();
    writeFileSync(path, versionOne(readFileSync(path, 'utf8')));
    const lease = await store.lease(key);
    expect((await findOne(store, key)).status).toBe('hit');
    expect(JSON.parse(readFileSync(path, 'utf8')).version).toBe(1);
    lease?.release();
  });

  it('with a misspelt output or a wrong size does not stand in the way of what is made again', async () => {
    const { store, path } = await filledStore();
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, versionOne(text, { outputs: { ouT: { ...ref('hello'), extension: 'txt' } } }));
    expect((await findOne(store, key, shape)).status).toBe('damaged');
    expect((await publish(store, { a: 1 }, { out: 'hello' })).status).toBe('published');
    writeFileSync(path, versionOne(text, { outputs: { out: { ...ref('hello'), size: 6, extension: 'txt' } } }));
    expect((await publish(store, { a: 1 }, { out: 'hello' })).record.outputs.out?.size).toBe(5);
    expect(await findOne(store, key, shape)).toMatchObject({ record: { outputs: { out: { size: 5 } } } });
  });

  it('is replaced by the same result that is made again', async () => {
    const { store, path } = await filledStore();
    writeFileSync(path, versionOne(readFileSync(path, 'utf8')));
    expect((await publish(store, { a: 1 }, { out: 'hello' })).status).toBe('same');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ version: 2, trusted: [] });
  });
});
