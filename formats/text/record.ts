// One record of a data file, and the limits and sentences that the readers of all kinds share.
import { UserError } from '../../util/errors.ts';
import { briefly } from '../../util/shown.ts';
import { jsonFault, type TextPlace } from './json-fault.ts';
import { isRecord } from './strict-json.ts';

/** A record and where it came from, such as `train.jsonl:12`, for messages about it. */
export interface DataRecord {
  value: Record<string, unknown>;
  where: string;
}

/** One record's text is at most this long; a longer one is hostile or another kind of file. */
export const MAX_RECORD_BYTES = 64 * 2 ** 20;

/** Values within values of one record; whoever walks through one may recurse. */
export const MAX_LEVELS = 100;

/** Parses one JSON record; `start` is where `text` begins in its file, when it is more than a line. */
export function parseRecord(text: string, where: string, start?: TextPlace): DataRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${where}: expected a JSON object, got ${jsonFault(text, start)}; mend or remove it`);
  }
  if (!isRecord(value)) throw new UserError(`${where}: expected a JSON object, got ${briefly(value)}`);
  if (nests(value, MAX_LEVELS)) throw tooDeep(where);
  return { value, where };
}

/** True when `value` has more than `levels` levels of arrays and objects. */
function nests(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => nests(item, levels - 1));
}

/** The user's message for a record beyond {@link MAX_LEVELS}. */
export function tooDeep(where: string): UserError {
  return new UserError(`${where}: expected a record of at most ${MAX_LEVELS} levels, got more`);
}

/** The user's message for a record beyond {@link MAX_RECORD_BYTES}. */
export function recordTooLong(where: string, most = MAX_RECORD_BYTES): UserError {
  return new UserError(`${where}: expected a record of at most ${most} bytes, got a longer one`);
}
