// Values as templates see them: what JSON holds, with Python's truth, equality and printed forms.

export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
/** A row of a data set. */
export type Doc = Record<string, Value>;

/** True for a mapping. */
export function isMapping(value: unknown): value is Record<string, Value> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Python's truth of a value. */
export function truthy(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isMapping(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** `==`, by content. */
export function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => equal(x, b[i] as Value));
  if (isMapping(a)) {
    const keys = Object.keys(a);
    return (
      isMapping(b) &&
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equal(a[key] as Value, b[key] as Value))
    );
  }
  const number = (value: Value) => (typeof value === 'boolean' ? Number(value) : value);
  return number(a) === number(b);
}

/** `str(value)`. Whole floats print as integers: JSON does not keep the difference. */
export function str(value: Value): string {
  return typeof value === 'string' ? value : repr(value);
}

/** `repr(value)`. */
export function repr(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  const entries = Object.entries(value).map(([key, item]) => `${quoted(key)}: ${repr(item)}`);
  return `{${entries.join(', ')}}`;
}

function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return String(value);
  const text = String(value);
  const exponent = /^(.*)e([+-])(\d)$/.exec(text);
  return exponent === null ? text : `${exponent[1]}e${exponent[2]}0${exponent[3]}`;
}

const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let body = '';
  for (const character of text) body += character === quote ? `\\${quote}` : (escapes[character] ?? shown(character));
  return `${quote}${body}${quote}`;
}

/** Python escapes what it calls unprintable: control characters, separators but the space, format and unassigned characters. */
function shown(character: string): string {
  if (character === ' ' || !/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0) as number;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
