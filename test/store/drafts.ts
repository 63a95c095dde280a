// Finished work for the tests of the store, written the way a worker leaves it.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../contract/stage.ts';
import { sha256 } from '../../store/digest.ts';
import { cacheKey, type KeyPreimage } from '../../store/key.ts';
import type { Attempt, Draft, Publication, Store } from '../../store/store.ts';

/** A new empty folder. */
export function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'lamina-store-'));
}

export function preimage(params: JsonObject, stage = 'toy', inputs: KeyPreimage['inputs'] = {}): KeyPreimage {
  return { t: 'action/1', stage, version: 1, params, inputs, sources: {} };
}

/** What can be said of a finished unit beside its parameters and outputs. */
export interface Finished {
  replace?: boolean;
  stage?: string;
  inputs?: KeyPreimage['inputs'];
  trusted?: readonly string[];
  started?: Date;
}

/** Opens an attempt at a key that nobody else works on. */
export async function openedAttempt(store: Store, key: string): Promise<Attempt> {
  const attempt = await store.openAttempt([key], {});
  if (attempt === undefined) throw new Error('somebody works on the key');
  return attempt;
}

/** Runs an attempt that writes `outputs` and publishes it. */
export async function publish(
  store: Store,
  params: JsonObject,
  outputs: Record<string, string | Buffer>,
  { replace = false, stage = 'toy', inputs = {}, trusted = [], started = new Date(0) }: Finished = {},
): Promise<Publication> {
  const made = preimage(params, stage, inputs);
  const key = cacheKey(made);
  const attempt = await openedAttempt(store, key);
  const files: Record<string, Draft['outputs'][string]> = {};
  for (const [name, content] of Object.entries(outputs)) {
    const path = attempt.output(key, name, 'txt');
    writeFileSync(path, content);
    files[name] = { path, digest: sha256(content), size: Buffer.byteLength(content), extension: 'txt' };
  }
  const names = { experiment: 'toy', node: 'toy', stage: 'toy', cell: '', unit: '' };
  const measured = {
    started: started.toISOString(),
    finished: started.toISOString(),
    duration_ms: 5,
    peak_rss_bytes: 1,
  };
  const about = { ...names, ...measured, host: 'here', versions: {} };
  const draft = { key, preimage: made, outputs: files, trusted, facts: { layers: 4 }, about, replace };
  try {
    return await store.publish(draft);
  } finally {
    await store.closeAttempt(attempt);
  }
}
