// Backslashes in Python's string literals.
import { PythonError } from './value.ts';

const simple: Record<string, string> = {
  ...{ n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' },
  ...{ '\\': '\\', "'": "'", '"': '"', '\n': '' },
};
const widths: Record<string, number> = { x: 2, u: 4, U: 8 };

/** The text between a literal's quotes with its escapes resolved; an unknown escape stands for itself. */
export function resolveEscapes(body: string): string {
  return body.replace(/\\(?:([0-7]{1,3})|([xuU])([0-9a-fA-F]*)|([\s\S]?))/g, (written, octal, wide, digits, one) => {
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    if (wide !== undefined) return ofCode(written, digits, widths[wide] as number);
    if (one === 'N' || one === '') throw new PythonError(`the escape '${written}' is not supported in a text`);
    return simple[one] ?? written;
  });
}

function ofCode(written: string, digits: string, width: number): string {
  const code = Number.parseInt(digits.slice(0, width), 16);
  if (digits.length < width || code > 0x10ffff) throw new PythonError(`the escape '${written}' is not complete`);
  return String.fromCodePoint(code) + digits.slice(width);
}
