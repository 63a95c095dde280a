// What lies in a store, from one listing of its artifacts and one reading of its records: nothing is hashed, no link is followed.
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isObject } from '../../util/json.ts';
import { isDigest } from '../digest.ts';
import { blobName } from '../in-use.ts';
import type { Layout } from '../layout.ts';

/** A record, as far as its upkeep goes; it is not compared with its digest. */
export interface KeptRecord {
  key: string;
  /** The definition of its stage, which says what kind of work it was. */
  use: string;
  experiment: string;
  /** The stage's name in the pipeline, its cell and its unit. */
  stage: string;
  cell: string;
  unit: string;
  /** When it was made: UTC, ISO 8601. */
  finished: string;
  duration_ms: number;
  outputs: readonly KeptOutput[];
}

export interface KeptOutput {
  name: string;
  /** The blob's name: `<digest>-<size>`. */
  blob: string;
  size: number;
  extension: string;
}

/** A store's artifacts and records. */
export interface Inventory {
  records: ReadonlyMap<string, KeptRecord>;
  /** Sizes in bytes, by blob. */
  blobs: ReadonlyMap<string, number>;
  /** Keys whose records cannot be read. */
  unreadable: readonly string[];
  /** Paths below `cas` and `ac` that are no artifact and no record: links among them. */
  strays: readonly string[];
}

/** So many files are read before others have their turn: a heartbeat, Ctrl-C. */
const atOnce = 500;

/** Lists a store. `told` hears how many records have been read; rejects with the signal's reason when that is aborted. */
export async function inventoryOf(
  layout: Layout,
  { signal, told }: { signal?: AbortSignal | undefined; told?: ((records: number) => void) | undefined } = {},
): Promise<Inventory> {
  const blobs = new Map<string, number>();
  const records = new Map<string, KeptRecord>();
  const [unreadable, strays]: [string[], string[]] = [[], []];
  for (const { path, name } of filesIn(join(layout.folder, 'cas'), strays)) {
    const size = sizeOf(name);
    if (size === undefined) strays.push(path);
    else blobs.set(name, size);
  }
  let read = 0;
  for (const { path, name } of filesIn(join(layout.folder, 'ac'), strays)) {
    if (++read % atOnce === 0) {
      told?.(read);
      await nextTurn();
      signal?.throwIfAborted();
    }
    const key = name.replace(/\.json$/, '');
    if (key === name || !isDigest(key)) {
      strays.push(path);
      continue;
    }
    const record = recordIn(path, key);
    if (record === undefined) unreadable.push(key);
    else records.set(key, record);
  }
  return { records, blobs, unreadable, strays };
}

interface Found {
  path: string;
  name: string;
}

/** The plain files of the folders below `folder` that begin with its name; all else is a stray. A folder of the store itself may be a link, what lies in it may not. */
export function* filesIn(folder: string, strays: string[] = []): Iterable<Found> {
  for (const part of entriesIn(folder)) {
    const below = join(folder, part.name);
    if (!part.isDirectory()) {
      strays.push(below);
      continue;
    }
    for (const entry of entriesIn(below)) {
      const path = join(below, entry.name);
      if (entry.isFile() && entry.name.startsWith(part.name)) yield { path, name: entry.name };
      else strays.push(path);
    }
  }
}

/** Bytes of the plain files in and below a folder, without following links. */
export function bytesBelow(folder: string): number {
  let sum = 0;
  for (const entry of entriesIn(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sum += bytesBelow(path);
    else if (entry.isFile()) sum += lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}

function entriesIn(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/** The size that a blob's name says; undefined for what is no blob's name. */
function sizeOf(name: string): number | undefined {
  const [, digest, size] = /^([0-9a-f]{64})-(\d{1,15})$/.exec(name) ?? [];
  return digest === undefined ? undefined : Number(size);
}

function recordIn(path: string, key: string): KeptRecord | undefined {
  try {
    return parse(JSON.parse(readFileSync(path, 'utf8')), key);
  } catch {
    return undefined;
  }
}

function parse(value: unknown, key: string): KeptRecord | undefined {
  if (!isObject(value) || value.key !== key || !isObject(value.outputs) || !isObject(value.about)) return undefined;
  const { about, preimage } = value;
  const outputs = Object.entries(value.outputs).flatMap(([name, output]) => outputOf(name, output) ?? []);
  if (outputs.length < Object.keys(value.outputs).length) return undefined;
  const word = (name: string) => (typeof about[name] === 'string' ? about[name] : '');
  const named = { experiment: word('experiment'), stage: word('stage'), cell: word('cell'), unit: word('unit') };
  const duration_ms = typeof about.duration_ms === 'number' ? about.duration_ms : 0;
  const use = isObject(preimage) && typeof preimage.stage === 'string' ? preimage.stage : named.stage;
  return { key, use, ...named, finished: word('finished') || word('started'), duration_ms, outputs };
}

function outputOf(name: string, output: unknown): KeptOutput | undefined {
  if (!isObject(output) || !isDigest(output.digest) || typeof output.size !== 'number') return undefined;
  const { digest, size, extension } = output;
  return { name, blob: blobName({ digest, size }), size, extension: String(extension) };
}
