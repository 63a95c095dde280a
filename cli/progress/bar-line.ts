// One line of the live display: stage, unit, bar, what the stage reports, and the time; never wider than the terminal.
import type { Progress } from '../../contract/stage.ts';
import type { Paint } from '../../report/numbers/paint.ts';
import { cutText, padRight, textWidth } from '../../report/numbers/text-width.ts';
import { formatDuration } from '../../util/amounts.ts';
import { type ActiveUnit, progressText } from './display.ts';

const barWidth = 16;
const stageWidth = 19;

/** What the line of a running unit shows. */
export interface BarState {
  unit: ActiveUnit;
  report: Progress | undefined;
  elapsed_ms: number;
}

/** The line of a running unit, at most `width` columns. */
export function barLine(state: BarState, width: number, paint: Paint): string {
  const { unit, report } = state;
  const time = timeText(state);
  const stage = padRight(cutText(unit.stage, stageWidth), stageWidth);
  const fixed = 2 + stageWidth + 1 + 2 + barWidth + 2 + 2 + textWidth(time);
  const room = width - fixed;
  if (room < 24) return cutText(`  ${unit.stage} ${unit.label} ${time}`, width);
  // `step 1200/6400  loss 1.8431` comes first, then the label gets what is left
  const labelWidth = Math.min(36, Math.max(12, room - 28));
  const label = padRight(cutText(unit.label, labelWidth), labelWidth);
  const noteWidth = Math.min(40, room - labelWidth);
  const note = padRight(cutText(report === undefined ? 'starting' : progressText(report), noteWidth), noteWidth);
  return `  ${stage} ${label}  ${bar(share(report), paint)}  ${note}  ${paint.faint(time)}`;
}

/** The line under the bars: how much of the whole run is done. */
export function totalLine(finished: number, units: number, elapsed_ms: number, width: number, paint: Paint): string {
  return paint.faint(cutText(`  ${finished} of ${units} · ${formatDuration(elapsed_ms)}`, width));
}

function bar(share: number, paint: Paint): string {
  const full = Math.round(share * barWidth);
  return `${paint.good('█'.repeat(full))}${paint.faint('░'.repeat(barWidth - full))}`;
}

function share(report: Progress | undefined): number {
  if (report === undefined || !(report.total > 0)) return 0;
  return Math.min(1, Math.max(0, report.done / report.total));
}

/** The time that is left once a twentieth and ten seconds have passed, the time spent until then. */
function timeText({ report, elapsed_ms }: BarState): string {
  const done = share(report);
  if (done < 0.05 || elapsed_ms < 10_000) return formatDuration(elapsed_ms).padStart(9);
  return `${formatDuration((elapsed_ms / done) * (1 - done))} left`.padStart(9);
}
