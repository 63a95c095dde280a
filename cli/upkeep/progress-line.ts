// How far a command has come that has no bars: one line that is written over on a terminal, and a line for each tenth elsewhere.
import { cutText } from '../../report/numbers/text-width.ts';
import type { Output } from '../common/terminal.ts';

export interface ProgressLine {
  /** `share` from 0 to 1. */
  show(text: string, share: number): void;
  clear(): void;
}

const every_ms = 100;
const toTheRight = '\x1b[K';

/** Writes on `output`. */
export function progressLine({ live, width, write, paint }: Output): ProgressLine {
  let [last_ms, tenths] = [Number.NEGATIVE_INFINITY, 0];
  return {
    show(text, share) {
      if (live && performance.now() - last_ms < every_ms) return;
      last_ms = performance.now();
      if (live) write(`\r${paint.faint(cutText(text, (width() ?? 80) - 1))}${toTheRight}`);
      else if (Math.floor(10 * share) > tenths) {
        tenths = Math.floor(10 * share);
        write(`${text}\n`);
      }
    },
    clear() {
      if (live) write(`\r${toTheRight}`);
    },
  };
}
