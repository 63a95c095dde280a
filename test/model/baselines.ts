// The fixtures of test/fixtures/baselines, made by its make.py with PyTorch, transformers and numpy.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { loadModel } from '../../model/checkpoint/checkpoint.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { scratch } from './fixtures.ts';

export const baselines = fileURLToPath(new URL('../fixtures/baselines', import.meta.url));

/** Parses one of the JSON fixtures. */
export function baseline<T>(name: string): T {
  return JSON.parse(readFileSync(join(baselines, name), 'utf8')) as T;
}

/** The random Llama of 6 layers that they are about, as a checkpoint and as weights. */
export async function loadBaseline() {
  const path = join(await scratch(), 'model.arrow');
  await importHuggingFace(join(baselines, 'model'), path);
  const model = await loadModel(path);
  onTestFinished(() => model.weights.dispose());
  return { ...model, path };
}
