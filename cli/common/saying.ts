// Where the store's words about what it mended go.
import type { Context } from './context.ts';

/** Says a sentence beside the results, marked as a warning. */
export function saying({ terminal: { err } }: Pick<Context, 'terminal'>): (sentence: string) => void {
  return (sentence) => err.write(`${err.paint.warn('!')} ${sentence}\n`);
}
