// Progress as plain lines, for logs and pipes: one at the start and the end of a unit, and one for the whole in half a minute.
import type { Progress } from '../../contract/stage.ts';
import { formatDuration } from '../../util/amounts.ts';
import { countOf } from '../common/spec-name.ts';
import { type ActiveUnit, type ProgressDisplay, progressText, type UnitEnd } from './display.ts';
import { paceText } from './pace.ts';

const interval_ms = 30_000;
/** So long a line waits for others of its node: layers of one capture end one after the other, within a moment. */
const gather_ms = 1000;

interface Running {
  unit: ActiveUnit;
  started_ms: number;
  report: Progress | undefined;
}

/** Units of one node that started or ended within a second: a line for all of them. */
interface Together {
  units: ActiveUnit[];
  text: string;
  at_ms: number;
}

/** Writes lines such as `[0:12] slw 3→4 T_next: done in 0:08`. `now` gives milliseconds. */
export function createPlainDisplay(write: (text: string) => void, now: () => number): ProgressDisplay {
  const start_ms = now();
  const running = new Map<string, Running>();
  const count = { finished: 0, units: 0, ran: 0 };
  const waiting = new Map<string, Together>();
  let timer: NodeJS.Timeout | undefined;
  let said_ms = start_ms;
  const line = (text: string, at_ms = now()) => write(`[${formatDuration(at_ms - start_ms)}] ${text}\n`);
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const { units, text, at_ms } of waiting.values()) line(`${namesOf(units)}: ${text}`, at_ms);
    waiting.clear();
  };
  const flushOld = () => {
    const [first] = waiting.values();
    if (first !== undefined && now() - first.at_ms >= gather_ms) flush();
  };
  const add = (unit: ActiveUnit, text: string) => {
    flushOld();
    const key = JSON.stringify([unit.node, text]);
    const together = waiting.get(key) ?? { units: [], text, at_ms: now() };
    together.units.push(unit);
    waiting.set(key, together);
    timer ??= setTimeout(flush, gather_ms).unref();
  };
  const summary = () => {
    if (now() - said_ms < interval_ms || running.size === 0) return;
    flush();
    said_ms = now();
    const entries = [...running.values()];
    const units = entries.map(({ report, started_ms }) => ({ report, elapsed_ms: now() - started_ms }));
    const pace = { ...count, running: units, elapsed_ms: now() - start_ms };
    line([paceText(pace).replace(/ · [\d:]+/, ''), ...runningTexts(entries)].join(' · '));
  };
  const summaries = setInterval(summary, interval_ms).unref();
  return {
    total: (finished, units) => void Object.assign(count, { finished, units }),
    started(unit) {
      running.set(unit.id, { unit, started_ms: now(), report: undefined });
      add(unit, 'started');
    },
    progress(id, report) {
      const entry = running.get(id);
      if (entry !== undefined) entry.report = report;
      flushOld();
      summary();
    },
    ended(id, how) {
      const entry = running.get(id);
      if (entry === undefined) return;
      running.delete(id);
      if (how === 'done') count.ran++;
      add(entry.unit, endText(how, now() - entry.started_ms));
      summary();
    },
    say(text) {
      flush();
      write(`${text}\n`);
    },
    stop() {
      flush();
      clearInterval(summaries);
    },
  };
}

/** What runs: each unit with its report, those of one node that report the same in one. */
function runningTexts(entries: readonly Running[]): string[] {
  const groups = new Map<string, Running[]>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.unit.node, entry.report]);
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].map((group) => {
    const report = group[0]?.report;
    const names = namesOf(group.map(({ unit }) => unit));
    return report === undefined ? names : `${names} ${progressText(report)}`;
  });
}

/** `slw 3→4 T_next`; of several `capture 13 units`. */
function namesOf(units: readonly ActiveUnit[]): string {
  const [first] = units as [ActiveUnit];
  if (units.length > 1) return `${first.stage} ${countOf(units.length, 'unit')}`;
  return first.label === '' ? first.stage : `${first.stage} ${first.label}`;
}

function endText(how: UnitEnd, duration_ms: number): string {
  if (how === 'reused') return 'made by another run';
  return `${how} ${how === 'done' ? 'in' : 'after'} ${formatDuration(duration_ms)}`;
}
