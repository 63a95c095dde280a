// One line of the live display: stage, unit, bar, what the stage reports, and the time; never wider than the terminal.
import type { Progress } from '../../contract/stage.ts';
import type { Paint } from '../../report/numbers/paint.ts';
import { cutText, padRight, textWidth } from '../../report/numbers/text-width.ts';
import { formatDuration } from '../../util/amounts.ts';
import { type ActiveUnit, progressText } from './display.ts';
import { type Pace, paceText, shareOf, unitLeft } from './pace.ts';

/** Bars are short where names and reports need the room. */
const barWidths = { narrow: 10, wide: 16 };
const narrowBelow = 110;
/** Of a name at least so much is shown, and of a report. */
const leastName = 12;
const leastNote = 16;

/** What the line of a running unit shows. */
export interface BarState {
  unit: ActiveUnit;
  report: Progress | undefined;
  elapsed_ms: number;
}

/** How wide the names are beside each other: as wide as the widest of all lines, while there is room. */
export interface NameWidths {
  stage: number;
  label: number;
}

/** The widths that the names of `units` need. */
export function nameWidths(units: readonly ActiveUnit[]): NameWidths {
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map(textWidth));
  return { stage: widest(units.map(({ stage }) => stage)), label: widest(units.map(({ label }) => label)) };
}

/** The line of a running unit, at most `width` columns; names are cut only where reports have no room left to give. */
export function barLine(state: BarState, names: NameWidths, width: number, paint: Paint): string {
  const { unit, report } = state;
  const time = timeText(state);
  const barWidth = width < narrowBelow ? barWidths.narrow : barWidths.wide;
  const room = width - (2 + 1 + 2 + barWidth + 2 + 2 + textWidth(time));
  if (room < 2 * leastName + leastNote) return cutText(`  ${unit.stage} ${unit.label} ${time}`, width);
  const stageWidth = Math.min(names.stage, Math.max(leastName, room - leastNote - names.label));
  const labelWidth = Math.min(names.label, room - leastNote - stageWidth);
  const noteWidth = room - stageWidth - labelWidth;
  const stage = padRight(cutText(unit.stage, stageWidth), stageWidth);
  const label = padRight(cutText(unit.label, labelWidth), labelWidth);
  const note = padRight(cutText(report === undefined ? 'starting' : progressText(report), noteWidth), noteWidth);
  return `  ${stage} ${label}  ${bar(shareOf(report), barWidth, paint)}  ${note}  ${paint.faint(time)}`;
}

/** The line under the bars: how much of the whole run is done, and how long the rest will take. */
export function totalLine(pace: Pace, width: number, paint: Paint): string {
  return paint.faint(cutText(`  ${paceText(pace)}`, width));
}

function bar(share: number, width: number, paint: Paint): string {
  const full = Math.round(share * width);
  return `${paint.good('█'.repeat(full))}${paint.faint('░'.repeat(width - full))}`;
}

/** The time that is left once a twentieth and ten seconds have passed, the time spent until then. */
function timeText({ report, elapsed_ms }: BarState): string {
  const left_ms = unitLeft({ report, elapsed_ms });
  if (left_ms === undefined || elapsed_ms < 10_000) return formatDuration(elapsed_ms);
  return `${formatDuration(left_ms)} left`;
}
