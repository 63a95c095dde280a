// Prints a result: the table, what is to be known of it, and the claims, as the design shows them.
import { renderClaims } from '../report/render-claims.ts';
import { renderText } from '../report/render-text.ts';
import { buildTable } from '../report/table.ts';
import { renderWarnings } from '../report/warnings.ts';
import type { RunResult } from '../spec/result.ts';
import { type Output, textOptions } from './terminal.ts';

/** The table, the warnings, then the claims; of an experiment without cells the warnings alone. */
export function resultText(result: RunResult, output: Output): string {
  const options = textOptions(output);
  const parts = [
    result.cells.length === 0 ? '' : renderText(buildTable(result), options),
    renderWarnings(result, options),
    renderClaims(result.claims, options),
  ];
  return parts.filter((part) => part !== '').join('\n');
}
