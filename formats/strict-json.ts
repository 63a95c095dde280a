// JSON from outside: parsed only when it repeats no key and does not nest too deeply.
import { UserError } from '../util/errors.ts';

/**
 * Parses `text`; `where` names the file in messages. Bad JSON, a repeated key in one object (JSON.parse would silently
 * keep the last) and nesting beyond `maxDepth` are UserErrors.
 */
export function parseStrictJson(text: string, where: string, maxDepth: number): unknown {
  checkShape(text, where, maxDepth);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${where}: expected JSON, got ${jsonFault(text, error as Error)}`);
  }
}

/** Where `text` stops being JSON, as JSON.parse's `error` has it; in our words, because Node's differ between releases. */
export function jsonFault(text: string, error: Error): string {
  const position = Number(/ at position (\d+)/.exec(error.message)?.[1] ?? text.length);
  if (text.trim() === '') return 'nothing';
  if (position >= text.trimEnd().length) return 'text that ends too early';
  const before = text.slice(0, position).split('\n');
  const column = `column ${(before.at(-1) ?? '').length + 1}`;
  return `text that is not JSON from ${text.includes('\n') ? `line ${before.length}, ${column}` : column} on`;
}

/** True for a JSON object, as against an array, null or a scalar. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const [QUOTE, COMMA, COLON, BACKSLASH] = [34, 44, 58, 92];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [123, 125, 91, 93];

/** One pass over the text; syntax itself is JSON.parse's to judge. */
function checkShape(text: string, where: string, maxDepth: number): void {
  const keys: (Set<string> | undefined)[] = []; // of the open objects; undefined for an open array
  let last = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = stringEnd(text, i);
      last = text.slice(i, end);
      i = end - 1;
    } else if (code === COLON) {
      addKey(keys.at(-1), last, where);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      keys.push(code === OPEN_BRACE ? new Set() : undefined);
      if (keys.length > maxDepth)
        throw new UserError(`${where}: expected JSON of at most ${maxDepth} levels, got more`);
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      keys.pop();
    } else if (code === COMMA) {
      last = '';
    }
  }
}

/** The place after the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}

function addKey(keys: Set<string> | undefined, quoted: string, where: string): void {
  const key = quoted.includes('\\') ? keyText(quoted) : quoted.slice(1, -1);
  if (keys?.has(key)) throw new UserError(`${where}: the key '${key}' appears twice in one object`);
  keys?.add(key);
}

/** Escapes can spell one key in several ways. */
function keyText(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted; // bad syntax, which JSON.parse reports
  }
}
