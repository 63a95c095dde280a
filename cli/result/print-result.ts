// Prints a result: the table, what is to be known of it, and the claims, as the design shows them.
import type { RunResult } from '../../contract/result.ts';
import { renderClaims } from '../../report/table/claims.ts';
import { buildTable } from '../../report/table/table.ts';
import { renderText } from '../../report/table/text.ts';
import { renderWarnings } from '../../report/table/warnings.ts';
import { type Output, textOptions } from '../common/terminal.ts';

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
