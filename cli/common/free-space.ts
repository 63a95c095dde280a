// How much room a disk has.
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { statusAt } from '../../util/file-status.ts';

/** Free bytes of the disk that `place` is on; null where the system does not say. */
export function freeBytes(place: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(place);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** The path, or the nearest folder above it that is there. */
export function nearestAbove(path: string): string {
  return statusAt(path) !== undefined || dirname(path) === path ? path : nearestAbove(dirname(path));
}
