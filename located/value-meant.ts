// What was meant by a value of another type: a number in quotes, a list where names are keys.
import { isObject } from '../util/json.ts';
import { withSpace } from './yaml-slips.ts';

/** What to type for a `value` where one of `types` (of JSON Schema) is expected at `path`; undefined where that cannot be told. */
export function valueMeant(value: unknown, types: readonly string[], path: readonly string[]): string | undefined {
  const takes = (...wanted: string[]) => types.some((type) => wanted.includes(type));
  if (typeof value === 'string' && takes('number', 'integer')) return numberMeant(value);
  if (typeof value === 'string' && takes('boolean')) return booleanMeant(value);
  const spaced = typeof value === 'string' && takes('object') ? withSpace(value) : undefined;
  if (spaced !== undefined) return `'${spaced}', with a space after the colon`;
  if (Array.isArray(value) && takes('object') && !takes('array')) return "'name: value' without '- '";
  if (takes('array') || !takes('object')) return listMeant(value, takes('array'), path);
  return undefined;
}

function numberMeant(text: string): string | undefined {
  const plain = text.trim();
  if (isNumber(plain)) return `${plain}, without quotes`;
  if (/^[-+]?[1-9]\d{0,2}([_,]\d{3})+$/.test(plain)) return plain.replaceAll(/[_,]/g, '');
  if (/^[-+]?\d+,\d+$/.test(plain)) return plain.replace(',', '.');
  const [, share] = /^([\d.]+) *%$/.exec(plain) ?? [];
  return share !== undefined && isNumber(share) ? `${Number(share) / 100}` : undefined;
}

function isNumber(text: string): boolean {
  return text !== '' && /^[-+\d.eE]+$/.test(text) && Number.isFinite(Number(text));
}

function booleanMeant(text: string): string | undefined {
  const word = text.toLowerCase();
  if (['true', 'false'].includes(word)) return `${word}, without quotes`;
  if (['yes', 'on'].includes(word)) return 'true';
  return ['no', 'off'].includes(word) ? 'false' : undefined;
}

/** One value, or the lines of a mapping, where a list is expected; and a mapping in a list, whose names are keys. */
function listMeant(value: unknown, expected: boolean, path: readonly string[]): string | undefined {
  if (expected && typeof value === 'string' && /^[\w.-]+$/.test(value)) return `[${value}]`;
  if (!isObject(value)) return undefined;
  if (expected) return "'- ' before it, or [ ] around it";
  const [name, ...others] = Object.keys(value);
  return name !== undefined && others.length === 0 && /^\d+$/.test(path.at(-1) ?? '')
    ? `'${name}: ...' without '- '`
    : undefined;
}
