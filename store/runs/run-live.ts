// How far a run is while it goes on: one small file in its folder, written over again and again, gone at the end.

import { readFileSync, rmSync, statSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import { isObject } from '../../util/json.ts';
import { fields, index, list, mapOf, misshape, nullable, number, type Shape, text } from '../../util/shape.ts';
import { layoutOf } from '../layout.ts';
import { temporaryName } from '../temporary.ts';
import { runFolder } from './runs.ts';

/** What a run has come to. It is worth nothing without the run, and no number rests on it. */
export interface RunLive {
  /** UTC, ISO 8601. */
  updated: string;
  elapsed_ms: number;
  /** Units that are wanted, that are over, and of these the ones that were worked on now. */
  units: number;
  finished: number;
  ran: number;
  /** By the pace so far; null while too little is known. */
  left_ms: number | null;
  nodes: readonly LiveNode[];
  running: readonly LiveUnit[];
}

/** The units of a plan node, counted. */
export interface LiveNode {
  node: string;
  /** Null while it is not known how many there will be. */
  units: number | null;
  cached: number;
  ran: number;
  running: number;
  failed: number;
  blocked: number;
  /** The cache keys of units that are over, by name. */
  keys: Readonly<Record<string, string>>;
}

/** A unit that is worked on. */
export interface LiveUnit {
  node: string;
  unit: string;
  done: number;
  total: number;
  /** What is counted, and a remark: `step`, `loss 1.84`. */
  of: string;
  note: string;
}

const liveName = 'live.json';
const largest_bytes = 16 * 1024 * 1024;

const nodeShape: Shape<LiveNode> = fields({
  node: text,
  units: nullable(index),
  cached: index,
  ran: index,
  running: index,
  failed: index,
  blocked: index,
  keys: mapOf(text),
});

const unitShape: Shape<LiveUnit> = fields({
  node: text,
  unit: text,
  done: number,
  total: number,
  of: text,
  note: text,
});

const liveShape: Shape<RunLive> = fields({
  updated: text,
  elapsed_ms: number,
  units: index,
  finished: index,
  ran: index,
  left_ms: nullable(number),
  nodes: list(nodeShape),
  running: list(unitShape),
});

/** Writes it over what was there. It is not flushed to the disk: after a crash of the machine nobody asks how far it was. */
export async function keepLive(store: string, experiment: string, run: string, live: RunLive): Promise<void> {
  const path = join(runFolder(store, experiment, run), liveName);
  const temporary = join(layoutOf(store).temporary, temporaryName());
  const file = { format: 'lamina-run-live', version: 1, ...live };
  try {
    await writeFile(temporary, JSON.stringify(file), { flag: 'wx' });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Takes it away. */
export function dropLive(store: string, experiment: string, run: string): void {
  ignoringErrors(() => rmSync(join(runFolder(store, experiment, run), liveName), { force: true }));
}

/** How far a run is; undefined where it does not say. Throws UserError for a damaged file. */
export function loadLive(store: string, experiment: string, run: string): RunLive | undefined {
  const path = join(runFolder(store, experiment, run), liveName);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) return undefined;
  const damaged = (why: string) => new UserError(`'${path}' is damaged: ${why}`);
  if (stats.size > largest_bytes) throw damaged(`it has ${stats.size} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw damaged('expected JSON');
  }
  if (!isObject(value) || value.format !== 'lamina-run-live' || value.version !== 1)
    throw damaged('it has a format that this lamina does not know');
  const { format: _format, version: _version, ...kept } = value;
  const wrong = misshape(liveShape, kept);
  if (wrong !== undefined) throw damaged(wrong);
  return kept as unknown as RunLive;
}
