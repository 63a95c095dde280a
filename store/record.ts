// What the store remembers of one finished unit of work, and its check when it is read back.
import type { Facts } from '../spec/stage.ts';
import { isObject } from '../util/json.ts';
import { type BlobRef, isDigest } from './digest.ts';
import { cacheKey, type KeyPreimage } from './key.ts';

/** An output's bytes and the ending of its file, without the dot. */
export interface OutputRef extends BlobRef {
  extension: string;
}

/** A finished unit of work: what it depended on, what came out, and how it went. */
export interface StoreRecord {
  format: 'lamina-record';
  version: 1;
  key: string;
  preimage: KeyPreimage;
  outputs: Readonly<Record<string, OutputRef>>;
  facts: Facts;
  about: RecordAbout;
}

/** Said for people; none of it enters the key. */
export interface RecordAbout {
  experiment: string;
  /** The plan node that ran it, its name in the pipeline, its cell and its unit ('' without units). */
  node: string;
  stage: string;
  cell: string;
  unit: string;
  /** UTC, ISO 8601. */
  started: string;
  duration_ms: number;
  /** The largest resident memory of the worker process up to the unit's end. */
  peak_rss_bytes: number;
  host: string;
  /** Versions of what was used, by name: observed, not part of the key. */
  versions: Readonly<Record<string, string>>;
  /** What the stage warned of while it worked; absent where it had nothing to say. */
  warnings?: readonly string[];
}

/** Reads a record's text; a sentence instead when it is not the record of `key`. */
export function parseRecord(text: string, key: string): StoreRecord | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'is not JSON';
  }
  if (!isObject(value) || value.format !== 'lamina-record') return 'is not a lamina record';
  if (value.version !== 1) return `has the unknown version ${JSON.stringify(value.version)}`;
  if (value.key !== key) return 'belongs to another key';
  if (!isObject(value.outputs) || !Object.values(value.outputs).every(isOutput)) return 'names its outputs wrongly';
  if (!isObject(value.facts) || !isAbout(value.about)) return 'is incomplete';
  const record = value as unknown as StoreRecord;
  return keyOf(record.preimage) === key ? record : 'does not match its key';
}

/** Undefined for what no lamina wrote: deep nesting, texts that canonical JSON cannot hold. */
function keyOf(preimage: unknown): string | undefined {
  try {
    return cacheKey(preimage as KeyPreimage);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** True when both records name the same bytes for the same outputs. */
export function sameOutputs(a: Pick<StoreRecord, 'outputs'>, b: Pick<StoreRecord, 'outputs'>): boolean {
  const names = Object.keys(a.outputs);
  if (names.length !== Object.keys(b.outputs).length) return false;
  return names.every((name) => a.outputs[name]?.digest === b.outputs[name]?.digest);
}

function isOutput(value: unknown): value is OutputRef {
  if (!isObject(value) || !isDigest(value.digest) || typeof value.extension !== 'string') return false;
  return Number.isSafeInteger(value.size) && (value.size as number) >= 0;
}

function isAbout(value: unknown): value is RecordAbout {
  if (!isObject(value) || typeof value.duration_ms !== 'number') return false;
  const { warnings = [] } = value;
  if (!Array.isArray(warnings) || !warnings.every((message) => typeof message === 'string')) return false;
  return ['node', 'stage', 'cell', 'unit', 'started'].every((field) => typeof value[field] === 'string');
}
