// One record of a data file, and the limits and sentences that the readers of all kinds share.
import { UserError } from '../util/errors.ts';
import { isRecord, jsonFault } from './strict-json.ts';

/** A record and where it came from, such as `train.jsonl:12`, for messages about it. */
export interface DataRecord {
  value: Record<string, unknown>;
  where: string;
}

/** One record's text is at most this long; a longer one is hostile or another kind of file. */
export const MAX_RECORD_BYTES = 64 * 2 ** 20;

/** Parses one JSON record. */
export function parseRecord(text: string, where: string): DataRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${where}: expected a JSON object, got ${jsonFault(text, error as Error)}; mend or remove it`);
  }
  if (!isRecord(value)) throw new UserError(`${where}: expected a JSON object, got ${describe(value)}`);
  return { value, where };
}

/** Decodes UTF-8, refusing bytes that are not. */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`${where}: expected text in UTF-8`);
  }
}

/** The user's message for a record beyond {@link MAX_RECORD_BYTES}. */
export function recordTooLong(where: string): UserError {
  return new UserError(`${where}: expected a record of at most ${MAX_RECORD_BYTES} bytes, got a longer one`);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return value === null ? 'null' : `a ${typeof value}`;
}
