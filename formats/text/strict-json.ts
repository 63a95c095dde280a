// JSON from outside: parsed only when it repeats no key and does not nest too deeply.
import { UserError } from '../../util/errors.ts';
import { findJsonFault, jsonFault } from './json-fault.ts';

/**
 * Parses `text`; `where` names the file in messages. Bad JSON, a repeated key in one object (JSON.parse would silently
 * keep the last) and nesting beyond `maxDepth` are UserErrors.
 */
export function parseStrictJson(text: string, where: string, maxDepth: number): unknown {
  const complaint = complaintOf(text, maxDepth);
  // in a text that is not JSON, what looks like a key or a bracket may be none
  if (complaint !== undefined && isJsonSoFar(text.slice(0, complaint.until))) {
    throw new UserError(`${where}: ${complaint.says}`);
  }
  return parseJson(text, where);
}

/** Parses `text`; bad JSON is a UserError that says where and why it is bad. `where` begins the message. */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${where}: expected JSON, got ${jsonFault(text)}`);
  }
}

/** True for a JSON object, as against an array, null or a scalar. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const [QUOTE, COMMA, COLON, BACKSLASH] = [34, 44, 58, 92];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [123, 125, 91, 93];

/** What is wrong with JSON that its grammar allows, and how far the text was read to see it. */
interface Complaint {
  says: string;
  until: number;
}

function isJsonSoFar(beginning: string): boolean {
  const fault = findJsonFault(beginning);
  return fault === undefined || fault.reason === '';
}

/** One pass over the text; syntax itself is JSON.parse's to judge. */
function complaintOf(text: string, maxDepth: number): Complaint | undefined {
  const keys: (Set<string> | undefined)[] = []; // of the open objects; undefined for an open array
  let last = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = stringEnd(text, i);
      last = text.slice(i, end);
      i = end - 1;
    } else if (code === COLON) {
      const key = keyText(last);
      if (keys.at(-1)?.has(key)) return { says: `the key '${key}' appears twice in one object`, until: i };
      keys.at(-1)?.add(key);
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      keys.push(code === OPEN_BRACE ? new Set() : undefined);
      if (keys.length > maxDepth)
        return { says: `expected JSON of at most ${maxDepth} levels, got more`, until: i + 1 };
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      keys.pop();
    } else if (code === COMMA) {
      last = '';
    }
  }
  return undefined;
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

/** The key that a text in quotes spells; escapes can spell one in several ways. */
function keyText(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted; // bad syntax, which JSON.parse reports
  }
}
