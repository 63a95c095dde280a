import type { RunResult } from '../../contract/result.ts';
import { warningText } from '../../spec/plan/warnings.ts';
import { plainPaint } from '../numbers/paint.ts';
import { wrapText } from '../numbers/text-width.ts';
import type { TextOptions } from './text.ts';

/** `stage 'warm' (6 of 8 cells): the sentence`, one for each warning. */
export function warningSentences({ warnings, cells }: Pick<RunResult, 'warnings' | 'cells'>): string[] {
  return warnings.map((warning) => warningText(warning, cells.length));
}

/** A line that counts them, then one or more lines for each; empty text when there are none, else it ends with a line end. */
export function renderWarnings(result: Pick<RunResult, 'warnings' | 'cells'>, options: TextOptions = {}): string {
  const { width = Number.POSITIVE_INFINITY, paint = plainPaint } = options;
  const sentences = warningSentences(result);
  if (sentences.length === 0) return '';
  const lines = sentences.flatMap((text) => {
    const [first = '', ...rest] = wrapText(text, width - 4);
    return [`  ${paint.warn('!')} ${first}`, ...rest.map((line) => `    ${line}`)];
  });
  return `${[`warnings  ${sentences.length}`, ...lines].join('\n')}\n`;
}
