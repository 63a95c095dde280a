// Where everything lies inside a store folder.
import { join } from 'node:path';
import type { BlobRef } from './digest.ts';

/** The folders of a store; all are made when it is opened for writing. */
export const storeFolders = [
  'cas',
  'ac',
  'ac-alt',
  'leases',
  'attempts',
  'scratch',
  'quarantine',
  'runs',
  'in-use',
  'submissions',
  'logs',
  'unsent',
  'temporary',
] as const;

/** Paths inside the store `folder`. */
export interface Layout {
  folder: string;
  version: string;
  memo: string;
  /** Names of artifacts that were taken away on purpose. */
  collected: string;
  /** Where files of the store are written before they get their names. */
  temporary: string;
  blob(ref: BlobRef): string;
  record(key: string): string;
  alternative(key: string, outputs: string): string;
  lease(key: string): string;
  attempts(key: string): string;
  scratch(key: string): string;
  /** All logs of attempts. */
  logs: string;
  /** Those of a key, a file for each attempt. */
  logsOf(key: string): string;
  quarantine(name: string): string;
  /** A file for each process that writes into the store. */
  inUse(name: string): string;
  /** What a batch system was given together, and what its jobs say. */
  submission(id: string): string;
  /** A file for each unit that is still to be written to a shared store. */
  unsent(place: string): string;
  run(experiment: string, run: string): string;
  /** A file for each number that a run of an experiment has taken. */
  runNumber(experiment: string, number: number): string;
}

/** The layout of the store in `folder`. */
export function layoutOf(folder: string): Layout {
  return {
    folder,
    version: join(folder, 'store.json'),
    memo: join(folder, 'digests.jsonl'),
    collected: join(folder, 'collected.txt'),
    temporary: join(folder, 'temporary'),
    blob: ({ digest, size }) => join(folder, 'cas', digest.slice(0, 2), `${digest}-${size}`),
    record: (key) => join(folder, 'ac', key.slice(0, 2), `${key}.json`),
    alternative: (key, outputs) => join(folder, 'ac-alt', key.slice(0, 2), `${key}.${outputs}.json`),
    lease: (key) => join(folder, 'leases', key),
    attempts: (key) => join(folder, 'attempts', key),
    scratch: (key) => join(folder, 'scratch', key),
    logs: join(folder, 'logs'),
    logsOf: (key) => join(folder, 'logs', key.slice(0, 2), key),
    quarantine: (name) => join(folder, 'quarantine', name),
    inUse: (name) => join(folder, 'in-use', name),
    submission: (id) => join(folder, 'submissions', id),
    unsent: (place) => join(folder, 'unsent', place),
    run: (experiment, run) => join(folder, 'runs', experiment, run),
    runNumber: (experiment, number) => join(folder, 'run-numbers', experiment, String(number)),
  };
}
