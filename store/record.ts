// What the store remembers of one finished unit of work, and its check when it is read back.
import { isDeepStrictEqual } from 'node:util';
import type { Facts } from '../contract/stage.ts';
import { canonicalJson, isObject, type Json, sortedMembers } from '../util/json.ts';
import { type BlobRef, isDigest, sha256 } from './digest.ts';
import type { KeyPreimage } from './key.ts';

/** An output's bytes and the ending of its file, without the dot. */
export interface OutputRef extends BlobRef {
  extension: string;
}

/** A finished unit of work: what it depended on, what came out, and how it went. */
export interface StoreRecord {
  format: 'lamina-record';
  version: 2;
  key: string;
  preimage: KeyPreimage;
  outputs: Readonly<Record<string, OutputRef>>;
  /** Digests of inputs that were not read over when this was made, since they had been found whole shortly before. */
  trusted: readonly string[];
  facts: Facts;
  about: RecordAbout;
}

/** The outputs that a record of some stage must have. */
export type RecordShape = Readonly<Record<string, { extension: string; optional?: boolean }>>;

/** What an attempt was to do, by its stage's cost. */
export interface RecordedWork {
  /** Floating-point operations; a multiply-add is two. */
  flops: number;
  /** Read and written. */
  moved_bytes: number;
}

/** What a unit was computed with, as its process saw it. */
export interface Observed {
  /** Versions by name: `lamina`, `node`, the package that computes. */
  versions: Readonly<Record<string, string>>;
  /** `system`, `processor`; `gpu` and `driver` where one may have been computed on. */
  machine: Readonly<Record<string, string>>;
}

/** Said for people; none of it enters the key. */
export interface RecordAbout {
  experiment: string;
  /** The plan node that ran it, its name in the pipeline, its cell and its unit ('' without units). */
  node: string;
  stage: string;
  cell: string;
  unit: string;
  /** When the attempt began, and when the unit was finished: UTC, ISO 8601. Records of version 1 have no end. */
  started: string;
  finished?: string;
  duration_ms: number;
  /** The largest resident memory of the worker process up to the unit's end. */
  peak_rss_bytes: number;
  host: string;
  /** Versions of what was used, by name: observed, not part of the key. */
  versions: Readonly<Record<string, string>>;
  /** The machine, as `Observed` says it; absent in records from before it was kept. */
  machine?: Readonly<Record<string, string>>;
  /** What the stage warned of while it worked; absent where it had nothing to say. */
  warnings?: readonly string[];
  /** The unit's share of what its attempt was to do; absent where the stage could not say. */
  work?: RecordedWork;
}

/** A record as it was read. `old`: it is of version 1, without a digest of its own, and should be written anew. */
export interface ReadRecord {
  record: StoreRecord;
  old: boolean;
}

/** The record of a finished unit, without the paths of its files; outputs and facts stand in the order in which its file has them. */
export function recordOf({
  key,
  preimage,
  outputs,
  trusted,
  facts,
  about,
}: Omit<StoreRecord, 'format' | 'version'>): StoreRecord {
  const refs = Object.entries(outputs).map(([name, { digest, size, extension }]) => {
    return [name, { digest, size, extension }] as const;
  });
  const made = { outputs: sortedMembers(Object.fromEntries(refs)), trusted, facts: wellFormed(facts), about };
  return { format: 'lamina-record', version: 2, key, preimage, ...made };
}

/** Facts whose texts canonical JSON can hold: half a character of somebody's data becomes a replacement character. */
function wellFormed(facts: Facts): Facts {
  const repair = (_: string, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value);
  return sortedMembers(JSON.parse(JSON.stringify(facts, repair))) as Facts;
}

/**
 * The record as a file: its canonical JSON, with the SHA-256 of that as a last member. Who reads it has the canonical text by leaving that
 * member out, and need not make it.
 */
export function recordText(record: StoreRecord): string {
  const text = ownText({ ...record }, canonicalJson(record.preimage as unknown as Json));
  return `${text.slice(0, -1)},"digest":"${sha256(text)}"}\n`;
}

const digestMember = /^,"digest":"([0-9a-f]{64})"}\n$/;
const digestMemberLength = `,"digest":"${'0'.repeat(64)}"}\n`.length;

/** The canonical text of a record whose file is as `recordText` writes it, when that has its digest; undefined for any other. */
function sealedText(text: string): string | undefined {
  const digest = digestMember.exec(text.slice(-digestMemberLength))?.[1];
  const own = digest === undefined ? '' : `${text.slice(0, -digestMemberLength)}}`;
  return digest !== undefined && sha256(own) === digest ? own : undefined;
}

function jsonOrNone(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The record in a canonical text in which the pre-image stands that is known; undefined where another does. */
function knownRecord(text: string, { preimage, text: known }: KnownPreimage): Record<string, unknown> | undefined {
  const name = ',"preimage":';
  const at = text.indexOf(name);
  if (at < 0 || !text.startsWith(known, at + name.length)) return undefined;
  const rest = jsonOrNone(text.slice(0, at) + text.slice(at + name.length + known.length));
  return isObject(rest) && !('preimage' in rest) ? { ...rest, preimage } : undefined;
}

/** A pre-image of which somebody has made the key, and its canonical text. */
export interface KnownPreimage {
  preimage: KeyPreimage;
  text: string;
}

/**
 * Reads a record's text; a sentence instead when it is not, byte for byte in meaning, the record that was written for `key`. Version 1
 * had no digest and is accepted on its looks; what it was made from counts as not read over. Where the pre-image of `key` is `known`, it is
 * compared as a text and not read.
 */
export function parseRecord(text: string, key: string, known?: KnownPreimage): ReadRecord | string {
  const own = known && sealedText(text);
  const record = own === undefined || known === undefined ? undefined : knownRecord(own, known);
  if (record?.format === 'lamina-record' && record.version === 2) {
    return wrongPart(record, key) ?? { record: record as unknown as StoreRecord, old: false };
  }
  const value = jsonOrNone(text);
  if (value === undefined) return 'is not JSON';
  if (!isObject(value) || value.format !== 'lamina-record') return 'is not a lamina record';
  const { digest, ...rest } = value;
  if (rest.version !== 1 && rest.version !== 2) return `has the unknown version ${JSON.stringify(rest.version)}`;
  const old = rest.version === 1 && digest === undefined && rest.trusted === undefined;
  const preimage = orUndefined(() => canonicalJson(rest.preimage as Json));
  if (!old && !isSealed(rest, preimage, digest)) return 'was changed on disk';
  return checkParts(rest, preimage, key) ?? { record: old ? renewed(rest) : (rest as unknown as StoreRecord), old };
}

function checkParts(value: Record<string, unknown>, preimage: string | undefined, key: string): string | undefined {
  const isOfKey = preimage !== undefined && sha256(preimage) === key && hasInputs(value.preimage);
  return wrongPart(value, key) ?? (isOfKey ? undefined : 'does not match its key');
}

function wrongPart(value: Record<string, unknown>, key: string): string | undefined {
  if (value.key !== key) return 'belongs to another key';
  if (!isObject(value.outputs) || !Object.values(value.outputs).every(isOutput)) return 'names its outputs wrongly';
  return !isObject(value.facts) || !isAbout(value.about) ? 'is incomplete' : undefined;
}

/** What a stranger's pre-image may lack although its digest is right. */
function hasInputs(preimage: unknown): boolean {
  if (!isObject(preimage) || !isObject(preimage.inputs)) return false;
  return Object.values(preimage.inputs).every((input) => {
    return isObject(input) && Object.values(input.units ?? {}).every(isObject);
  });
}

function renewed(value: Record<string, unknown>): StoreRecord {
  const old = value as unknown as StoreRecord;
  return { ...old, version: 2, trusted: inputDigests(old.preimage) };
}

/** The digests of all artifacts that were read. */
export function inputDigests({ inputs }: KeyPreimage): string[] {
  const refs = Object.values(inputs).flatMap((input) => ('units' in input ? Object.values(input.units) : [input]));
  return [...new Set(refs.map(({ digest }) => digest))];
}

/** What is wrong with a record's outputs, where its stage makes others; undefined when nothing is. */
export function shapeProblem({ outputs }: StoreRecord, shape: RecordShape): string | undefined {
  const lacking = Object.keys(shape).find((name) => outputs[name] === undefined && !shape[name]?.optional);
  if (lacking !== undefined) return `lacks the output '${lacking}'`;
  const wrong = Object.keys(outputs).find((name) => outputs[name]?.extension !== shape[name]?.extension);
  return wrong === undefined ? undefined : `has an output '${wrong}' that its stage does not make so`;
}

function isSealed(record: Record<string, unknown>, preimage: string | undefined, digest: unknown): boolean {
  if (preimage === undefined || !isDigest(digest)) return false;
  return orUndefined(() => sha256(ownText(record, preimage))) === digest;
}

/** The canonical JSON of a record, of which the largest part, its pre-image, has been made for its key already. */
function ownText(record: Readonly<Record<string, unknown>>, preimage: string): string {
  const members = Object.keys(record).sort();
  const text = members.map((name) => {
    return `${canonicalJson(name)}:${name === 'preimage' ? preimage : canonicalJson(record[name] as Json)}`;
  });
  return `{${text.join(',')}}`;
}

/** Undefined for what no lamina wrote: deep nesting, texts that canonical JSON cannot hold, parts that are missing. */
function orUndefined(compute: () => string): string | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** True when both records name the same files for the same outputs. */
export function sameOutputs(a: Pick<StoreRecord, 'outputs'>, b: Pick<StoreRecord, 'outputs'>): boolean {
  const names = Object.keys(a.outputs);
  if (names.length !== Object.keys(b.outputs).length) return false;
  return names.every((name) => isDeepStrictEqual({ ...a.outputs[name] }, { ...b.outputs[name] }));
}

function isOutput(value: unknown): value is OutputRef {
  if (!isObject(value) || !isDigest(value.digest) || typeof value.extension !== 'string') return false;
  return Number.isSafeInteger(value.size) && (value.size as number) >= 0;
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((each) => typeof each === 'string');
}

function isAbout(value: unknown): value is RecordAbout {
  if (!isObject(value) || typeof value.duration_ms !== 'number') return false;
  const { warnings = [], work = { flops: 0, moved_bytes: 0 }, versions = {}, machine = {} } = value;
  if (![versions, machine].every(isTexts)) return false;
  if (!isObject(work) || typeof work.flops !== 'number' || typeof work.moved_bytes !== 'number') return false;
  if (!Array.isArray(warnings) || !warnings.every((message) => typeof message === 'string')) return false;
  return ['node', 'stage', 'cell', 'unit', 'started'].every((field) => typeof value[field] === 'string');
}
