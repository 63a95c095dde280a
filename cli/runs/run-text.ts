// The sentences at the end of a run.
import type { Plan } from '../../contract/plan.ts';
import type { RunResult } from '../../contract/result.ts';
import { textWidth } from '../../report/numbers/text-width.ts';
import type { ControlMiss } from '../../report/result/control.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import { succeeded } from '../../runner/run/outcome.ts';
import { runNumber } from '../../store/runs/run-names.ts';
import { formatDuration } from '../../util/amounts.ts';
import { countOf, shellWord, shortPath } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';
import { isTrial } from './trials.ts';

/** `✓ 24 of 24 · 3:11`, or what failed and what was not reached. */
export function summaryLine(outcome: RunOutcome, { paint }: Output): string {
  const { failed, blocked, duration_ms } = outcome.summary;
  const { done, units } = countUnits(outcome);
  const troubles = [failed > 0 ? `${failed} failed` : '', blocked > 0 ? `${blocked} not reached` : ''];
  const parts = [`${done} of ${units}`, troubles.filter((part) => part !== '').join(', '), formatDuration(duration_ms)];
  const mark = outcome.status === 'done' ? paint.good('✓') : paint.bad('✗');
  return `${mark} ${parts.filter((part) => part !== '').join(' · ')}`;
}

/** Each failure once: what, why, where its log lies and how that ends; with the stack where it is a bug. */
export function failureLines(outcome: RunOutcome, { paint }: Output): string {
  return outcome.failures
    .map(({ message, stack, last_lines }) => {
      const text = `${paint.bad('✗')} ${message}\n`;
      // a message of several lines has said what its program said at last
      const said = message.includes('\n') ? [] : last_lines.map((line) => `    ${line}`);
      const more = stack === null ? said.join('\n') : stack;
      return more === '' ? text : `${text}${paint.faint(more)}\n`;
    })
    .join('');
}

/** A line for each warning. */
export function warningLines(texts: readonly string[], { paint }: Output): string {
  return texts.map((text) => `${paint.warn('!')} ${text}\n`).join('');
}

/** What cells ask of metrics that were made but do not have it, each once: a metric that is spelled wrong, mostly. */
export function missingNumbers({ cells }: RunResult): string[] {
  return [...new Set(cells.flatMap(({ key, error }) => (key === null || error === null ? [] : [error])))];
}

/** Sentences on what is wrong, one per line. */
export function troubleLines(sentences: readonly string[], { paint }: Output): string {
  return sentences.map((sentence) => `${paint.bad('✗')} ${sentence}\n`).join('');
}

/** In which control cells the numbers are off. */
export function controlTroubles(misses: readonly ControlMiss[]): string[] {
  return misses.map(({ text }) => `control: ${text}`);
}

/** Which control cells are off, and how to go on; empty when none is. */
export function controlLines(misses: readonly ControlMiss[], plan: Plan, output: Output): string {
  if (misses.length === 0) return '';
  const rest = countOf(plan.cells.length, 'cell');
  return `${troubleLines(controlTroubles(misses), output)}  the grid of ${rest} was not run: mend the model or the data, or run it regardless with --no-control\n`;
}

/** What is kept of a stopped run, and the command that goes on. */
export function stoppedText(outcome: RunOutcome, store: string, argv: readonly string[], { paint }: Output): string {
  const { done, units } = countUnits(outcome);
  const again = `lamina ${argv.map(shellWord).join(' ')}`;
  const kept = `${countOf(done, 'finished unit')} of ${units} ${done === 1 ? 'is' : 'are'} kept in ${shortPath(store)}`;
  return `${paint.warn('■')} stopped after ${formatDuration(outcome.summary.duration_ms)} · ${kept} · go on with\n  ${again}\n`;
}

/** Where the result lies, and what to type next: `results/x/tiny · lamina show x · lamina why x.yaml a,b`; `why` gives the last. */
export function farewellLine(result: RunResult, kept: string, why: (cell: string) => string, output: Output): string {
  const { paint, width } = output;
  const cell = result.cells.find((each) => each.value !== null);
  const parts = [kept, `lamina show ${shellWord(shownName(result))}`];
  if (cell !== undefined) parts.push(why(cell.name));
  const line = parts.join(' · ');
  // a command that is broken over two lines cannot be copied
  return paint.faint(textWidth(line) <= (width() ?? Number.POSITIVE_INFINITY) ? line : parts.join('\n'));
}

/** A trial is shown by its number: the experiment's name alone means a run of the spec as it is written. */
function shownName({ experiment, run, overrides }: RunResult): string {
  const number = runNumber(run);
  return isTrial({ overrides }) && number !== null ? `${experiment}@${number}` : experiment;
}

function countUnits(outcome: RunOutcome): { done: number; units: number } {
  const units = [...outcome.nodes.values()].flatMap((node) => node.units);
  return { done: units.filter(succeeded).length, units: units.length };
}
