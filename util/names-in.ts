// What lies in a folder that may not be one.
import { readdirSync } from 'node:fs';

/** The names in `folder`, sorted; none where it is not there, is no folder, or cannot be read. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
