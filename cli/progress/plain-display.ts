// Progress as plain lines, for logs and pipes: one at a unit's start and end, and at most one in ten seconds between.
import { formatDuration } from '../../util/amounts.ts';
import { type ActiveUnit, type ProgressDisplay, progressText, type UnitEnd } from './display.ts';

const interval_ms = 10_000;

interface Running {
  unit: ActiveUnit;
  started_ms: number;
  said_ms: number;
}

/** Writes lines such as `[0:12] slw 3→4 T_next: done in 0:08`. `now` gives milliseconds. */
export function createPlainDisplay(write: (text: string) => void, now: () => number): ProgressDisplay {
  const start_ms = now();
  const running = new Map<string, Running>();
  const line = (text: string) => write(`[${formatDuration(now() - start_ms)}] ${text}\n`);
  return {
    total: () => {},
    started(unit) {
      running.set(unit.id, { unit, started_ms: now(), said_ms: now() });
      line(`${nameOf(unit)}: started`);
    },
    progress(id, report) {
      const entry = running.get(id);
      if (entry === undefined || now() - entry.said_ms < interval_ms) return;
      entry.said_ms = now();
      line(`${nameOf(entry.unit)}: ${progressText(report)}`);
    },
    ended(id, how) {
      const entry = running.get(id);
      if (entry === undefined) return;
      running.delete(id);
      line(`${nameOf(entry.unit)}: ${endText(how, now() - entry.started_ms)}`);
    },
    say: (text) => write(`${text}\n`),
    stop: () => {},
  };
}

function nameOf(unit: ActiveUnit): string {
  return unit.label === '' ? unit.stage : `${unit.stage} ${unit.label}`;
}

function endText(how: UnitEnd, duration_ms: number): string {
  if (how === 'reused') return 'made by another run';
  return `${how} ${how === 'done' ? 'in' : 'after'} ${formatDuration(duration_ms)}`;
}
