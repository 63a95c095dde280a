// Reads a bundle over, and makes its numbers again from its records: nothing of it is run, and no spec of it is read.
import { join } from 'node:path';
import type { CellResult, RunResult } from '../../contract/result.ts';
import { readMetric } from '../../report/result/collect.ts';
import type { LockedCell } from '../../runner/lock/lock.ts';
import { openFileStore } from '../../store/file-store.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import { findOne, type Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import { readLock } from '../lock/lock-place.ts';
import { readOutcome } from '../result/outcome-folder.ts';
import { isArchiveName, unpacked } from './archive.ts';
import { damagesOf, type Manifest, manifestName, readManifest } from './manifest.ts';

export interface CheckedBundle {
  manifest: Manifest;
  /** Undefined where it is too damaged to be read. */
  result: RunResult | undefined;
  /** What is not as it was written, or does not follow from what is there, in sentences. */
  damages: readonly string[];
}

/** True for the path of a folder that says it is a bundle, and for a file that is named like one. */
export function isBundle(path: string): boolean {
  if (path.includes('\u0000')) return false;
  return statusAt(join(path, manifestName)) !== undefined || (isArchiveName(path) && statusAt(path)?.isFile() === true);
}

/** Checks the bundle in a folder or an archive. Throws UserError for what is none. */
export async function checkBundle(path: string, signal?: AbortSignal): Promise<CheckedBundle> {
  if (!isArchiveName(path) || !statusAt(path)?.isFile()) return check(path, signal);
  return unpacked(path, async (folder, told) => {
    const checked = await check(folder, signal);
    return { ...checked, damages: checked.damages.map(told) };
  });
}

async function check(folder: string, signal?: AbortSignal): Promise<CheckedBundle> {
  if (statusAt(folder) === undefined)
    throw new UserError(`there is no '${folder}': expected the folder or the file of a bundle`);
  const manifest = await readManifest(folder);
  if (manifest === undefined) throw new UserError(`'${folder}' is no bundle: it has no bundle.json`);
  const damages = await damagesOf(folder, manifest, signal);
  if (damages.length > 0) return { manifest, result: outcomeOrNone(folder, manifest), damages };
  const result = readOutcome(join(folder, manifest.outcome));
  return { manifest, result, damages: await derive(folder, manifest, result) };
}

function outcomeOrNone(folder: string, { outcome }: Manifest): RunResult | undefined {
  try {
    return readOutcome(join(folder, outcome));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  }
}

/** Holds each number of the table against the metrics that the lock's record of it names. */
async function derive(folder: string, { lock: name }: Manifest, result: RunResult): Promise<string[]> {
  const lock = await readLock(join(folder, name));
  const cells = new Map(lock?.plans.flatMap((plan) => plan.cells).map((cell) => [cell.cell, cell]));
  const store = await openFileStore(join(folder, '.lamina'), { mode: 'read' });
  const wrong: string[] = [];
  for (const cell of result.cells) {
    const locked = cells.get(cell.name);
    const found = locked === undefined ? 'is not in the lock' : await deriveCell(cell, locked, store);
    if (found !== undefined) wrong.push(`cell '${cell.name}' ${found}`);
  }
  store.close();
  return wrong;
}

async function deriveCell(
  cell: CellResult,
  { key, digest, metric }: LockedCell,
  store: Store,
): Promise<string | undefined> {
  const record = key === null ? undefined : await findOne(store, key);
  if (record?.status !== 'hit') return 'has no record in the bundle';
  const output = Object.values(record.record.outputs).find((each) => each.digest === digest);
  if (output === undefined) return 'is not what its record made';
  const metrics = readJsonArtifact(await store.open(output), output, `the metrics of cell '${cell.name}'`);
  const made = readMetric(metrics, metric);
  return made?.value === cell.value
    ? undefined
    : `is ${cell.value} in the table, and ${made?.value ?? 'nothing'} in its metrics`;
}
