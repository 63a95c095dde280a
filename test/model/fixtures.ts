// The fixtures of test/fixtures/model, made by its make.py with PyTorch and transformers.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { loadModel, openStored } from '../../model/checkpoint/checkpoint.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import type { StoredModel } from '../../model/walk/stored-model.ts';

/** An array as make.py packs it. */
export interface Packed {
  shape: number[];
  data: string;
}

export const fixtures = fileURLToPath(new URL('../fixtures/model', import.meta.url));

/** Parses one JSON fixture. */
export function fixture<T>(name: string): T {
  return JSON.parse(readFileSync(join(fixtures, name), 'utf8')) as T;
}

/** The floats of a packed array. */
export function unpack({ data }: Packed): Float32Array {
  const bytes = Buffer.from(data, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** A folder that is gone after the test. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lamina-model-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** One of make.py's Llamas (`mha`, `gqa`, `deep`), through the importer and the checkpoint reader. */
export async function loadFixture(name: string) {
  const path = join(await scratch(), `${name}.arrow`);
  await importHuggingFace(join(fixtures, name), path);
  const model = await loadModel(path);
  onTestFinished(() => model.weights.dispose());
  return { ...model, path };
}

/** The same, open and not loaded. */
export async function storedFixture(name: string): Promise<StoredModel> {
  return openedModel(join(fixtures, name));
}

/** A Hugging Face folder as a checkpoint that is open for the test. */
export async function openedModel(folder: string): Promise<StoredModel> {
  const path = join(await scratch(), 'model.arrow');
  await importHuggingFace(folder, path);
  const checkpoint = await openStored(path);
  onTestFinished(() => checkpoint.close());
  return { checkpoint };
}

/** Fails unless every |a - b| <= tolerance * max |b|; reports the worst element. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = 'value',
): void {
  expect(actual.length, `${what}: length`).toBe(expected.length);
  const scale = Array.from(expected).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-12);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs((actual[i] as number) - (expected[i] as number));
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }
  expect(worst / scale, `${what}: worst error relative to the largest value`).toBeLessThanOrEqual(tolerance);
}
