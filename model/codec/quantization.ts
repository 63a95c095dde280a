// What a file says of its quantised tensors: codecs, which tensor has which, and whether inputs are rounded too.
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { shown } from '../../util/shown.ts';
import type { Codec, IntegerCodec, Nf4Codec } from './quantize-codec.ts';

/** Written as JSON into a file's metadata under {@link quantizationKey}. */
export interface Quantization {
  /** The name of the scheme, for people: `8da4w`. */
  readonly scheme: string;
  /** `int8`: the inputs of the quantised matrices are rounded as well, token by token, when the model runs. */
  readonly activations: 'int8' | null;
  /** Codec by tensor name; all others are stored as floats. */
  readonly codecs: ReadonlyMap<string, Codec>;
  /** Tensors that are not stored because nothing uses them; they read as zeros. */
  readonly absent: ReadonlySet<string>;
}

/** The quantisation of a checkpoint whose codes are to be written; a UserError where it has none. */
export function withCodes(quantization: Quantization | undefined): Quantization {
  if (quantization !== undefined && quantization.codecs.size > 0) return quantization;
  throw new UserError(
    "dtype: STORED writes the codes of a quantised model, and this one is not: put stage 'quantize' before it",
  );
}

export const quantizationKey = 'quantization';

const largestGroup = 2 ** 24;

/** The JSON of `quantization`, each codec once. */
export function quantizationJson({ scheme, activations, codecs, absent }: Quantization): string {
  const listed: Codec[] = [];
  const tensors: Record<string, number> = {};
  for (const [name, codec] of codecs) {
    const known = listed.findIndex((other) => JSON.stringify(other) === JSON.stringify(codec));
    tensors[name] = known >= 0 ? known : listed.push(codec) - 1;
  }
  return JSON.stringify({ scheme, activations, codecs: listed, tensors, absent: [...absent] });
}

/** Reads what {@link quantizationJson} wrote, in the file `source`; anything else is a UserError. Undefined stays undefined. */
export function parseQuantization(text: string | undefined, source: string): Quantization | undefined {
  if (text === undefined) return undefined;
  const json = parseStrictJson(text, `'${quantizationKey}' of '${source}'`, 8);
  const { scheme, activations, codecs, tensors, absent } = isObject(json) ? json : {};
  const refuse = (what: string) => new UserError(`'${source}': its quantisation ${what}`);
  if (typeof scheme !== 'string') throw refuse("must have a 'scheme'");
  if (activations !== null && activations !== 'int8') throw refuse("must have 'activations' of int8 or null");
  if (!Array.isArray(codecs) || !isObject(tensors) || !isStrings(absent)) {
    throw refuse("must list 'codecs', 'tensors' and 'absent'");
  }
  const parsed = codecs.map((entry: unknown) => {
    const codec = parseCodec(entry);
    if (codec === undefined) throw refuse(`has a codec that this release does not know: ${shown(entry)}`);
    return codec;
  });
  const named = Object.entries(tensors).map(([name, index]): [string, Codec] => {
    const codec = typeof index === 'number' ? parsed[index] : undefined;
    if (codec === undefined) throw refuse(`gives tensor '${name}' no codec`);
    return [name, codec];
  });
  return { scheme, activations, codecs: new Map(named), absent: new Set(absent) };
}

function parseCodec(entry: unknown): Codec | undefined {
  if (!isObject(entry)) return undefined;
  return entry.type === 'integer' ? parseInteger(entry) : entry.type === 'nf4' ? parseNf4(entry) : undefined;
}

function parseInteger({
  bits,
  symmetric,
  group_size,
  order,
  scale_dtype,
}: Record<string, unknown>): IntegerCodec | undefined {
  if ((bits !== 4 && bits !== 8) || typeof symmetric !== 'boolean' || !isSize(group_size, 0)) return undefined;
  if (order !== 'even_low' && order !== 'even_high') return undefined;
  if (scale_dtype !== undefined && scale_dtype !== 'F16') return undefined;
  return { type: 'integer', bits, symmetric, group_size, order, ...(scale_dtype && { scale_dtype }) };
}

function parseNf4({ block_size, nested }: Record<string, unknown>): Nf4Codec | undefined {
  if (!isSize(block_size, 1) || typeof nested !== 'boolean') return undefined;
  return { type: 'nf4', block_size, nested };
}

function isSize(value: unknown, least: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= largestGroup;
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
