// How far a whole run is, and how long it will still take by the pace so far.
import type { Progress } from '../../contract/stage.ts';
import { formatDuration } from '../../util/amounts.ts';

/** Sooner nothing is said of the rest. */
const earliest_ms = 10_000;

/** What has been done by `elapsed_ms` after the start. */
export interface Pace {
  units: number;
  /** Units that are over, those from the cache included, and of these the ones that were worked on. */
  finished: number;
  ran: number;
  running: readonly RunningUnit[];
  elapsed_ms: number;
}

/** What a unit reports, undefined while it has reported nothing, and for how long it has been at it. */
export interface RunningUnit {
  report: Share | undefined;
  elapsed_ms: number;
}

type Share = Pick<Progress, 'done' | 'total'>;

/** `5 of 34 · 3:11 · about 12:40 left`. Units differ in length, so that the rest is a guess: each is taken to be as long as those before it, and none that runs to end before its own time. */
export function paceText(pace: Pace): string {
  const { units, finished, elapsed_ms } = pace;
  const left_ms = timeLeft(pace);
  const left = left_ms === undefined ? '' : ` · about ${formatDuration(left_ms)} left`;
  return `${finished} of ${units} · ${formatDuration(elapsed_ms)}${left}`;
}

/** The part of a unit that is done, from 0 to 1. */
export function shareOf(report: Share | undefined): number {
  if (report === undefined || !(report.total > 0)) return 0;
  return Math.min(1, Math.max(0, report.done / report.total));
}

/** What a running unit will still take at its own pace; undefined before a twentieth of it is done. */
export function unitLeft({ report, elapsed_ms }: RunningUnit): number | undefined {
  const share = shareOf(report);
  return share < 0.05 ? undefined : (elapsed_ms / share) * (1 - share);
}

/** Undefined while too little is known: before half a unit is done, and in the first seconds. */
export function timeLeft({ units, finished, ran, running, elapsed_ms }: Pace): number | undefined {
  const shares = running.reduce((sum, { report }) => sum + shareOf(report), 0);
  const done = ran + shares;
  const left = units - finished - shares;
  if (elapsed_ms < earliest_ms || done < 0.5 || left <= 0) return undefined;
  return Math.max((elapsed_ms / done) * left, ...running.map((unit) => unitLeft(unit) ?? 0));
}
