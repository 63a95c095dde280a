// What a shared store has for people: runs that have ended, and the logs of attempts; brought into a folder with the layout of a store.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sha256 } from '../digest.ts';
import { layoutOf } from '../layout.ts';
import { logOf } from '../logs.ts';
import { compareRunNames, isRunName } from '../runs/run-names.ts';
import { isExperimentName, runFolder } from '../runs/runs.ts';
import type { Link } from './link.ts';
import { type LogPointer, largestLog_bytes, parsePointer } from './log-pointer.ts';
import { checkMarker } from './marker.ts';
import { blobAt, folders, logsFolder, runFolderAt, runsFolder } from './names.ts';

/** As of a file of a run here. */
export const largestRunFile_bytes = 2 ** 28;
const largestPointer_bytes = 4096;

/** True for the files of a run that others may want; what a run tells of itself while it goes on is none of them. */
export function isFileOfRun(name: string): boolean {
  return /^(?:start|plan|result|outcome|labels|end|part-(?:plan|result|outcome)-[0-9a-f]{64})\.json$/.test(name);
}

/** Says nothing of what is not whole there: that is not brought. */
export class RunsThere {
  readonly #link: Link;
  readonly #say: (sentence: string) => void;
  #marker: Promise<boolean> | undefined;

  constructor(link: Link, say: (sentence: string) => void) {
    this.#link = link;
    this.#say = say;
  }

  /** The shared place, as people write it. */
  get name(): string {
    return this.#link.bucket.name;
  }

  /** False where it could not be asked, which was said. */
  get isAsked(): boolean {
    return this.#link.isOpen('read');
  }

  /** The experiments of which runs are there, sorted. */
  async experiments(): Promise<string[]> {
    return (await this.#namesBelow(folders.runs)).filter(isExperimentName).sort();
  }

  /** The runs of an experiment that are there, or on their way, by their numbers. */
  async runs(experiment: string): Promise<string[]> {
    if (!isExperimentName(experiment)) return [];
    return (await this.#namesBelow(runsFolder(experiment))).filter(isRunName).sort(compareRunNames);
  }

  /** Puts a run into the store-like folder `to`, or those of its files that are wanted, as they are there; false for one without its end. */
  async bringRun(experiment: string, run: string, to: string, isWanted = isFileOfRun): Promise<boolean> {
    const at = runFolderAt(experiment, run);
    const listed = await this.#link.ask('read', (bucket) => bucket.list(at), []);
    const names = listed.map((name) => name.slice(at.length)).filter(isFileOfRun);
    if (!names.includes('end.json')) return false;
    const wanted = names.filter(isWanted);
    const files = await Promise.all(wanted.map(async (name) => [name, await this.#read(at + name)] as const));
    if (files.some(([, bytes]) => bytes === undefined)) return false;
    const folder = runFolder(to, experiment, run);
    mkdirSync(folder, { recursive: true });
    for (const [name, bytes] of files) writeFileSync(`${folder}/${name}`, bytes as Buffer);
    return true;
  }

  /** Puts the logs of a key into the store-like folder `to`. One that is not what was written is named and left out. */
  async bringLogs(key: string, to: string): Promise<void> {
    if (!(await this.#isMarked())) return;
    const at = logsFolder(key);
    const listed = await this.#link.ask('read', (bucket) => bucket.list(at), []);
    await Promise.all(
      listed.map(async (name) => {
        const attempt = /^([0-9a-f-]{36})\.json$/.exec(name.slice(at.length))?.[1];
        if (attempt !== undefined) await this.#bringLog(name, logOf(layoutOf(to), key, attempt));
      }),
    );
  }

  async #bringLog(name: string, path: string): Promise<void> {
    const bytes = await this.#link.ask('read', (bucket) => bucket.read(name, largestPointer_bytes), undefined);
    const pointer = bytes && parsePointer(bytes);
    const log = pointer && (await this.#bytesOf(pointer));
    if (bytes === undefined) return;
    if (pointer === undefined || log === undefined) {
      this.#say(`the log '${name}' in '${this.name}' is damaged or not there any more`);
      return;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, log);
    const written = new Date(pointer.written);
    utimesSync(path, written, written);
  }

  async #bytesOf(pointer: LogPointer): Promise<Buffer | undefined> {
    const bytes = await this.#read(blobAt(pointer), largestLog_bytes);
    return bytes?.length === pointer.size && sha256(bytes) === pointer.digest ? bytes : undefined;
  }

  /** Too large a file is one that is damaged, and no reason to leave the whole place alone. */
  async #read(name: string, most_bytes = largestRunFile_bytes): Promise<Buffer | undefined> {
    const size = await this.#link.ask('read', (bucket) => bucket.size(name), undefined);
    if (size === undefined || size > most_bytes) return undefined;
    return this.#link.ask('read', (bucket) => bucket.read(name, most_bytes), undefined);
  }

  /** What comes next after `folder` in the names below it: a bucket lists all of them, a folder its own. */
  async #namesBelow(folder: string): Promise<string[]> {
    if (!(await this.#isMarked())) return [];
    const listed = await this.#link.ask('read', (bucket) => bucket.list(folder), []);
    return [...new Set(listed.map((name) => name.slice(folder.length).split('/', 1)[0] ?? ''))];
  }

  /** Before anything else: what is no shared store, or of a later version, is not misread. */
  #isMarked(): Promise<boolean> {
    this.#marker ??= this.#link.ask('read', checkMarker, false);
    return this.#marker;
  }
}
