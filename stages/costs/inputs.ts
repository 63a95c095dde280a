// What the facts of inputs say: how many records and tokens, how large a recovery.
import type { CostInput, CostQuery, JsonObject } from '../../contract/stage.ts';
import type { RecoverySize, WalkText } from '../../model/sizes/costs.ts';
import { float } from './copying.ts';

/** UTF-8 of English text and formulas, with the record's JSON around it. */
export const bytesPerToken = 4.5;

/** Records and their tokens, as far as the data's facts go. */
interface Records {
  records: number;
  /** Tokens of a record, cut at `max_length`. */
  length: number;
  assumed: string[];
}

export function recordsOf(
  input: CostInput | undefined,
  params: JsonObject,
  { record_tokens }: CostQuery,
): Records | undefined {
  const facts = input?.facts ?? {};
  const all = facts[input?.output ?? ''] ?? facts.records;
  if (typeof all !== 'number') return undefined;
  const most = typeof params.max_records === 'number' ? params.max_records : Number.POSITIVE_INFINITY;
  const records = Math.min(most, Math.ceil(all * Number(params.fraction ?? 1)));
  const known = typeof facts.record_tokens === 'number' ? facts.record_tokens : undefined;
  const length = Math.min(known ?? record_tokens, Number(params.max_length ?? Number.POSITIVE_INFINITY));
  return { records, length, assumed: known === undefined ? [assumedLength(record_tokens)] : [] };
}

/** Tokens of the longest record that is read, cut at `max_length`. */
export function longestOf(input: CostInput | undefined, { max_length }: JsonObject): number {
  const longest = input?.facts.longest_tokens;
  return Math.min(Number(max_length), typeof longest === 'number' ? longest : Number.POSITIVE_INFINITY);
}

export const assumedLength = (record_tokens: number) => `${record_tokens} tokens per record`;

/** The passages of a stage that walks through the layers, with `tokens` in all its texts, the longest of `length`. */
export function walkOf({ batch_tokens, batch_size }: JsonObject, tokens: number, length: number): WalkText {
  const most = batch_size === undefined ? Number.POSITIVE_INFINITY : Number(batch_size) * length;
  return { tokens, length, batch_tokens: Math.min(Number(batch_tokens), most) };
}

/** The name of the unit of hidden-states that keeps what comes out of layer `layer` (1-based). */
export const statesUnit = (layer: number): string => `after layer ${layer}`;

/** The layer of such a unit. */
export const layerOfStates = (unit: string): number => Number(unit.slice(statesUnit(0).length - 1));

/** What a recovery's facts say of its size; none where they are not known. */
export function recoveryOf(input: CostInput | undefined): RecoverySize | undefined {
  if (input === undefined) return { parameters: 0, first_layer: 1 };
  const { recovery_parameters, first_layer } = input.facts;
  if (typeof recovery_parameters !== 'number') return undefined;
  return { parameters: recovery_parameters, first_layer: typeof first_layer === 'number' ? first_layer : 1 };
}

/** Bytes that one token has in the file of one layer. */
export function activationBytes({ dtype }: JsonObject, width: number): number {
  return width * (dtype === 'F16' ? 2 : float);
}
