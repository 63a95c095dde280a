// The large members of a run's files, each in a file of its own beside them: runs that have the same have one file by several names.
import { linkSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import { isObject, type Json, type JsonObject } from '../../util/json.ts';
import { fileError } from '../../util/system-error.ts';
import { isDigest, sha256 } from '../digest.ts';
import { type DurablePlace, writeDurably } from '../durable.ts';

/** Members of a longer text lie apart. */
const mostCharacters = 65_536;

/** The member under which a file says where its others lie: their digests by their names. */
const partsName = 'parts';

/** A run's file in two: what stands in it, and the texts of what lies beside it, by digest. */
export interface Divided {
  value: JsonObject;
  texts: ReadonlyMap<string, string>;
}

/** Divides what is to be kept. */
export function divided(value: JsonObject): Divided {
  const texts = new Map<string, string>();
  const parts: Record<string, string> = {};
  const kept: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    const text = typeof member === 'object' && member !== null ? JSON.stringify(member) : '';
    if (text.length <= mostCharacters) kept[name] = member;
    else {
      const digest = sha256(text);
      parts[name] = digest;
      texts.set(digest, text);
    }
  }
  return texts.size === 0 ? { value, texts } : { value: { ...kept, [partsName]: parts }, texts };
}

/** Puts the parts of the run's file `path` beside it: by a further name for the same part of that file in one of the folders `others`, where that is whole, or written. */
export function keepParts(path: string, others: readonly string[], texts: Divided['texts'], place: DurablePlace): void {
  for (const [digest, text] of texts) {
    const part = partPath(path, digest);
    if (isWhole(part, digest)) continue;
    const candidates = others.map((other) => partPath(join(other, basename(path)), digest));
    const from = candidates.find((each) => isWhole(each, digest));
    if (from === undefined || !linkOver(from, part)) writeDurably(part, text, place);
  }
}

/** Removes the parts of `before` that `now`, which stands in its place at `path`, is without. */
export function dropParts(path: string, before: JsonObject, now: JsonObject): void {
  const kept = new Set(Object.values(namesOf(now)));
  for (const digest of Object.values(namesOf(before))) {
    if (!kept.has(digest)) ignoringErrors(() => rmSync(partPath(path, digest), { force: true }));
  }
}

/** What was divided, whole again. Throws UserError for a part that is not what was written. */
export function rejoined(value: JsonObject, path: string): JsonObject {
  if (!(partsName in value)) return value;
  const { [partsName]: _parts, ...whole } = value as Record<string, Json>;
  for (const [name, digest] of Object.entries(namesOf(value))) whole[name] = readPart(partPath(path, digest), digest);
  return whole;
}

function namesOf(value: JsonObject): Record<string, string> {
  const parts = value[partsName];
  const all = isObject(parts) ? Object.entries(parts) : [];
  return Object.fromEntries(all.filter((each): each is [string, string] => isDigest(each[1])));
}

/** Each file has parts of its own, so that one that goes is no other file's. */
function partPath(path: string, digest: string): string {
  return join(dirname(path), `part-${basename(path, '.json')}-${digest}.json`);
}

function readPart(path: string, digest: string): Json {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(error, path, 'cannot read');
  }
  if (sha256(text) !== digest) throw new UserError(`'${path}' is damaged: its bytes are not those that were written`);
  return JSON.parse(text) as Json;
}

function isWhole(path: string, digest: string): boolean {
  try {
    return sha256(readFileSync(path)) === digest;
  } catch {
    return false;
  }
}

/** False where the file system has no second names, or the first is gone by now. */
function linkOver(from: string, to: string): boolean {
  try {
    rmSync(to, { force: true });
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}
