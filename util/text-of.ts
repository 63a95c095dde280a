// The text of a small file that may not be there.
import { readFileSync } from 'node:fs';

/** Empty for a file that is missing or cannot be read. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
