// The committed outcomes are whole: every file is the one that its digest names, and every result has its shape.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readOutcome, sumsName, sumsOf } from '../../cli/result/outcome-folder.ts';

const root = resolve(import.meta.dirname, '../../results');
const experiments = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const folders = experiments.flatMap(({ name }) => readdirSync(join(root, name)).map((profile) => `${name}/${profile}`));

describe('committed outcomes', () => {
  it('are there', () => {
    expect(folders.length).toBe(35);
  });

  // after a merge: npm run build && node .ci/write-sums.mjs results/NAME/PROFILE
  it.each(folders)('%s is whole', (folder) => {
    const path = join(root, folder);
    expect(readFileSync(join(path, sumsName), 'utf8')).toBe(sumsOf(path));
    expect(readOutcome(path).cells.length).toBeGreaterThan(0);
  });
});
