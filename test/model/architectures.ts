// The fixtures of test/fixtures/architectures: small random models of every architecture, and what transformers makes of them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { loadModel } from '../../model/checkpoint/checkpoint.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { openedModel, type Packed, scratch } from './fixtures.ts';

export const architectureFixtures = fileURLToPath(new URL('../fixtures/architectures', import.meta.url));

/** What make.py writes beside a model. */
export interface ArchitectureCase {
  ids: number[][];
  labels: number[][];
  logits: Packed;
  loss: number;
  gradients: Record<string, Packed>;
  /** Seven tokens of each text, and sixteen that follow, the likeliest each. */
  greedy: number[][];
}

/** The names of all cases. */
export const caseNames = readdirSync(architectureFixtures)
  .filter((name) => name.endsWith('.json') && name !== 'tokenizer.json')
  .map((name) => name.slice(0, -'.json'.length));

/** Those that tell architectures apart. */
export const architectureCases = caseNames.filter((name) => !name.startsWith('rope-'));

/** What transformers makes of the model `name`. */
export function architectureCase(name: string): ArchitectureCase {
  return JSON.parse(readFileSync(join(architectureFixtures, `${name}.json`), 'utf8')) as ArchitectureCase;
}

/** The model `name`, through the importer and the checkpoint reader. */
export async function loadArchitecture(name: string) {
  const path = join(await scratch(), `${name}.arrow`);
  await importHuggingFace(join(architectureFixtures, name), path);
  const model = await loadModel(path);
  onTestFinished(() => model.weights.dispose());
  return { ...model, path };
}

/** The model `name`, open and not loaded. */
export function storedArchitecture(name: string) {
  return openedModel(join(architectureFixtures, name));
}

/** The largest |a - b| as a share of the largest |b|, which counts as `least` at least. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>, least = 1e-12): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  const scale = Array.from(expected).reduce((a, b) => Math.max(a, Math.abs(b)), least);
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs((actual[i] as number) - (expected[i] as number));
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }
  return worst / scale;
}

/** The largest of many numbers, and how many they were: what a test of cases prints at its end. */
export function counted(what: string) {
  let count = 0;
  let largest = 0;
  return {
    add(difference: number): number {
      count++;
      largest = Math.max(largest, difference);
      return difference;
    },
    print: () => console.info(`${what}: ${count} compared, largest difference ${largest.toExponential(1)}`),
  };
}
