// What the stages of a run warned of, gathered from its outcome and shown under its table.
import { type RunOutcome, succeeded } from '../runner/outcome.ts';
import type { Plan } from '../spec/plan.ts';
import type { ResultWarning, RunResult } from '../spec/result.ts';
import { groupWarnings, type NodeWarning, warningText } from '../spec/warnings.ts';
import { plainPaint } from './paint.ts';
import type { TextOptions } from './render-text.ts';
import { wrapText } from './text-width.ts';

/** The warnings of a run: what stages say of their parameters and inputs, and what is in the records of what they made. */
export function warningsOf(plan: Plan, { nodes }: Pick<RunOutcome, 'nodes'>): ResultWarning[] {
  const all: NodeWarning[] = [...nodes.values()].flatMap(({ node, warnings, units }) => {
    const said = new Set([...warnings, ...units.filter(succeeded).flatMap((unit) => unit.warnings)]);
    return [...said].map((message) => ({ node, message }));
  });
  return groupWarnings(plan, all);
}

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
