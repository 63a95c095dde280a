// An attempt that is carried out by key: what stands in the store is all that is needed.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../contract/stage.ts';
import type { AttemptOrder } from '../../runner/attempt/order.ts';
import type { FromWorker } from '../../runner/attempt/protocol.ts';
import { carryOut } from '../../runner/worker/carry-out.ts';
import { openFileStore } from '../../store/file-store.ts';
import { cacheKey } from '../../store/key.ts';
import { findOne, type Store } from '../../store/store.ts';
import { emptyFolder, preimage } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';

const { signal } = new AbortController();

/** An order for units of a toy stage without inputs, by hand: as another program could write it. */
function orderFor(use: string, params: JsonObject, units: Record<string, JsonObject>): AttemptOrder {
  const parts = Object.entries(units).map(([unit, own]) => {
    const made = { ...preimage(own, use), ...(unit !== '' && { unit }) };
    return { unit, key: cacheKey(made), params: own, preimage: made };
  });
  return {
    format: 'lamina-attempt',
    version: 1,
    ...{ experiment: 'toy', node: use, stage: use, cell: '', use, params, seed: 0 },
    numerics: { backend: 'cpu', provider: 'cpu', precision: 'float32', threads: 1 },
    inputs: {},
    units: parts,
    outputs: { out: { extension: 'txt' } },
    replace: false,
    versions: { lamina: '9' },
  };
}

async function opened(order: AttemptOrder): Promise<{ store: Store; keys: string[] }> {
  const store = await openFileStore(emptyFolder(), { mode: 'write' });
  const keys = order.units.map(({ key }) => key);
  await store.openAttempt(keys, order as unknown as JsonObject);
  return { store, keys };
}

async function textOf(store: Store, key: string): Promise<string> {
  const found = await findOne(store, key);
  if (found.status !== 'hit') throw new Error(found.status);
  return readFileSync((await store.open(found.record.outputs.out as never)).path, 'utf8');
}

describe('an attempt by key', () => {
  it('is done when its record is there', async () => {
    const { store, keys } = await opened(orderFor('value', { value: 3 }, { '': { value: 3 } }));
    expect(await carryOut(keys[0] as string, toyRegistry, store, { signal })).toBeNull();
    expect(await textOf(store, keys[0] as string)).toBe('3');
    expect(await findOne(store, keys[0] as string)).toMatchObject({
      record: {
        about: {
          ...{ experiment: 'toy', node: 'value' },
          versions: { lamina: '9', node: process.versions.node },
          machine: { system: `${process.platform} ${process.arch}` },
        },
      },
    });
  });

  it('of several units publishes each, under the first key that it was opened with', async () => {
    const { store, keys } = await opened(
      orderFor('group', { parts: 2 }, { 'part 1': { part: 1 }, 'part 2': { part: 2 } }),
    );
    expect(await carryOut(keys[0] as string, toyRegistry, store, { signal })).toBeNull();
    expect(await Promise.all(keys.map((key) => textOf(store, key)))).toEqual(['1', '2']);
  });

  it('tells of progress and warnings, and not of what the records say', async () => {
    const { store, keys } = await opened(orderFor('chain', { steps: 2, step_ms: 0 }, { '': { steps: 2, step_ms: 0 } }));
    const heard: FromWorker[] = [];
    await carryOut(keys[0] as string, toyRegistry, store, { signal, hear: (message) => heard.push(message) });
    expect(new Set(heard.map(({ type }) => type))).toEqual(new Set(['inputs-read', 'progress']));
  });

  it('gives a failure as data, and publishes nothing', async () => {
    const { store, keys } = await opened(orderFor('refuse', { rank: 8 }, { '': { rank: 8 } }));
    expect(await carryOut(keys[0] as string, toyRegistry, store, { signal })).toEqual({
      reason: 'user-error',
      message: 'rank 8 is larger than the width 4',
      stack: null,
    });
    expect(await findOne(store, keys[0] as string)).toEqual({ status: 'miss' });
  });

  it.each([
    ['that was never begun', undefined, 'is not there: it has ended, or was never begun'],
    [
      'of a lamina that orders otherwise',
      { format: 'lamina-attempt', version: 2 },
      'was ordered by another version of lamina; run it with that one',
    ],
  ])('%s is refused with a sentence', async (_, order, why) => {
    const store = await openFileStore(emptyFolder(), { mode: 'write' });
    const key = cacheKey(preimage({ a: 1 }));
    if (order !== undefined) await store.openAttempt([key], order);
    await expect(carryOut(key, toyRegistry, store, { signal })).rejects.toThrow(
      `the attempt at '${key}' in the store '${store.folder}' ${why}`,
    );
  });
});
