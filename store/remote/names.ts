// What lies where in a shared store: artifacts and records as in a local one, and what several machines need beside.
import type { BlobRef } from '../digest.ts';
import { blobName } from '../in-use.ts';

/** Says that this is a shared store, and of which version. */
export const markerName = 'lamina.json';

export const folders = { records: 'ac/', holders: 'holders/', probes: 'probes/', runs: 'runs/' } as const;

export function blobAt(ref: BlobRef): string {
  return `cas/${ref.digest.slice(0, 2)}/${blobName(ref)}`;
}

/** The folder of a record is that of all keys with the same beginning. */
export function recordFolder(key: string): string {
  return `${folders.records}${key.slice(0, 2)}/`;
}

export function recordAt(key: string): string {
  return `${recordFolder(key)}${key}.json`;
}

/** A second result of a key that is not the same. */
export function alternativeAt(key: string, outputs: string): string {
  return `ac-alt/${key.slice(0, 2)}/${key}.${outputs}.json`;
}

/** The key of a record's name; undefined for what is none. */
export function keyOf(name: string): string | undefined {
  return /^ac\/[0-9a-f]{2}\/([0-9a-f]{64})\.json$/.exec(name)?.[1];
}

export function leaseFolder(key: string): string {
  return `leases/${key}/`;
}

/** The life sign of a process that holds leases. */
export function holderAt(id: string): string {
  return `${folders.holders}${id}`;
}

/** The runs of an experiment. */
export function runsFolder(experiment: string): string {
  return `${folders.runs}${experiment}/`;
}

/** The files of a run, under the names that they have in a local store. */
export function runFolderAt(experiment: string, run: string): string {
  return `${runsFolder(experiment)}${run}/`;
}

/** What says where the logs of attempts at a key are. */
export function logsFolder(key: string): string {
  return `logs/${key.slice(0, 2)}/${key}/`;
}

export function logAt(key: string, attempt: string): string {
  return `${logsFolder(key)}${attempt}.json`;
}
