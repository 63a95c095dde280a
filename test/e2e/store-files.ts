// Reads a store's folder from outside, as files.
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { digestFile } from '../../store/digest.ts';

interface Outputs {
  [name: string]: { digest: string; size: number };
}

/** The outputs of every record, by cache key: what two stores of the same work must agree on. */
export function outputsByKey(store: string): Record<string, Outputs> {
  const files = filesBelow(join(store, 'ac')).filter((path) => path.endsWith('.json'));
  const records = files.map((path) => JSON.parse(readFileSync(path, 'utf8')) as { key: string; outputs: Outputs });
  return Object.fromEntries(records.map(({ key, outputs }) => [key, outputs]).sort());
}

/** Every artifact has the bytes that its name says, and every record names artifacts that are there. */
export async function expectNothingHalf(store: string): Promise<void> {
  const names = new Set<string>();
  for (const path of filesBelow(join(store, 'cas'))) {
    const { digest, size } = await digestFile(path);
    expect(basename(path)).toBe(`${digest}-${size}`);
    names.add(basename(path));
  }
  for (const outputs of Object.values(outputsByKey(store))) {
    for (const { digest, size } of Object.values(outputs)) expect(names).toContain(`${digest}-${size}`);
  }
}

/** No attempt, lease, saved state or temporary file is left of runs that ended or were killed. */
export function expectNothingLeft(store: string): void {
  for (const name of ['attempts', 'leases', 'scratch', 'quarantine', 'ac-alt', 'temporary']) {
    expect(readdirSync(join(store, name)), name).toEqual([]);
  }
  expect(filesBelow(store).filter((path) => /\.(tmp|new)$/.test(path))).toEqual([]);
}

/** The files below `folder`, as paths; none where there is no folder. */
export function filesBelow(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
