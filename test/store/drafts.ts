// Finished work for the tests of the store, written the way a worker leaves it.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../spec/stage.ts';
import { sha256 } from '../../store/digest.ts';
import { cacheKey, type KeyPreimage } from '../../store/key.ts';
import type { Draft, Publication, Store } from '../../store/store.ts';

/** A new empty folder. */
export function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'lamina-store-'));
}

export function preimage(params: JsonObject, stage = 'toy'): KeyPreimage {
  return { t: 'action/1', stage, version: 1, params, inputs: {}, sources: {} };
}

/** Runs an attempt that writes `outputs` and publishes it. */
export async function publish(
  store: Store,
  params: JsonObject,
  outputs: Record<string, string>,
  replace = false,
  stage = 'toy',
): Promise<Publication> {
  const key = cacheKey(preimage(params, stage));
  const attempt = await store.openAttempt([key], process.pid);
  const files: Record<string, Draft['outputs'][string]> = {};
  for (const [name, text] of Object.entries(outputs)) {
    const path = attempt.output(key, name, 'txt');
    writeFileSync(path, text);
    files[name] = { path, digest: sha256(text), size: Buffer.byteLength(text), extension: 'txt' };
  }
  const names = { experiment: 'toy', node: 'toy', stage: 'toy', cell: '', unit: '' };
  const about = {
    ...names,
    started: '2026-01-01T00:00:00.000Z',
    duration_ms: 5,
    peak_rss_bytes: 1,
    host: 'here',
    versions: {},
  };
  const draft = { key, preimage: preimage(params, stage), outputs: files, facts: { layers: 4 }, about, replace };
  try {
    return await store.publish(draft);
  } finally {
    store.closeAttempt(attempt, 'nothing');
  }
}
