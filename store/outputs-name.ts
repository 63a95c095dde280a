// What tells two results of one key apart.
import { canonicalJson, type Json } from '../util/json.ts';
import { sha256 } from './digest.ts';
import type { StoreRecord } from './record.ts';

/** A short name of a record's outputs. */
export function outputsName({ outputs }: StoreRecord): string {
  return sha256(canonicalJson(outputs as unknown as Json)).slice(0, 16);
}
