// What the tests of faults have in common: how many, from which seed, of which plan, and what must come out.
import { join } from 'node:path';
import { expect } from 'vitest';
import { outputsByKey } from '../e2e/store-files.ts';
import { emptyFolder } from '../store/drafts.ts';
import { openToy } from './harness.ts';
import { node, plan } from './toy-plan.ts';

/** How many moments or places are tried; few in the suite. */
export const faults = Number(process.env.FAULTS ?? 4);
export const seed = Number(process.env.FAULTS_SEED ?? 0);

export const graph = plan(
  node('a', 'value', { value: 3 }),
  node('chain', 'chain', { steps: 6, step_ms: 4 }, { a: 'a' }),
  node('s', 'split', { parts: 4 }, { a: 'a' }),
  node('g', 'group', { parts: 3 }),
  node('t', 'total', {}, { a: 's', b: 'g' }),
  node('end', 'chain', { steps: 3, step_ms: 4 }, { a: 't' }),
);

/** What every store of the graph has to hold in the end. */
export const clean = (async () => {
  const toy = await openToy();
  expect((await toy.run(graph)).status).toBe('done');
  const isUnit = (line: string) => !line.startsWith('step');
  return { outputs: outputsByKey(toy.folder), works: toy.worked().filter(isUnit).length };
})();

export const newStore = () => join(emptyFolder(), 'store');

/** Records that were there before and are not any more, or are others. */
export function countLost(before: ReturnType<typeof outputsByKey>, store: string): number {
  const now = outputsByKey(store);
  return Object.entries(before).filter(([key, outputs]) => JSON.stringify(now[key]) !== JSON.stringify(outputs)).length;
}

/** A line of the figures in docs/guarantees.md. */
export function say(text: string): void {
  console.log(`faults: ${text}`);
}
