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
  /** What the running units report; undefined for one that has reported nothing. */
  reports: readonly (Share | undefined)[];
  elapsed_ms: number;
}

type Share = Pick<Progress, 'done' | 'total'>;

/** `5 of 34 · 3:11 · about 12:40 left`. Units differ in length, so that the rest is a guess: each is taken to be as long as those before it. */
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

/** Undefined while too little is known: before half a unit is done, and in the first seconds. */
export function timeLeft({ units, finished, ran, reports, elapsed_ms }: Pace): number | undefined {
  const shares = reports.reduce((sum, report) => sum + shareOf(report), 0);
  const done = ran + shares;
  const left = units - finished - shares;
  return elapsed_ms < earliest_ms || done < 0.5 || left <= 0 ? undefined : (elapsed_ms / done) * left;
}
