import { describe, expect, test } from 'vitest';
import { Warnings } from '../../cli/common/warnings.ts';
import { barLine } from '../../cli/progress/bar-line.ts';
import { Follower } from '../../cli/progress/follow.ts';
import { createPlainDisplay } from '../../cli/progress/plain-display.ts';
import { plainPaint } from '../../report/numbers/paint.ts';
import { textWidth } from '../../report/numbers/text-width.ts';
import type { RunEvent } from '../../runner/survey/events.ts';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import { node, plan } from '../runner/toy-plan.ts';

const unit = { id: '1', stage: 'slw', label: '3→4 T_next arxiv_math' };
const report = { done: 4, total: 5, of: 'epoch', note: 'loss 0.0132' };

describe('the line of a running unit', () => {
  test('shows stage, unit, bar, report and time', () => {
    expect(barLine({ unit, report, elapsed_ms: 8000 }, 110, plainPaint)).toBe(
      '  slw                 3→4 T_next arxiv_math          █████████████░░░  epoch 4/5  loss 0.0132             0:08',
    );
  });

  test('tells the time that is left once it can', () => {
    expect(barLine({ unit, report, elapsed_ms: 40_000 }, 110, plainPaint)).toMatch(/ 0:10 left$/);
  });

  test('is never wider than the terminal', () => {
    for (let width = 10; width < 140; width++)
      expect(textWidth(barLine({ unit, report, elapsed_ms: 8000 }, width, plainPaint))).toBeLessThanOrEqual(width);
  });
});

/** Follows `events`, the clock moving on by `step_ms` before each; returns what was written. */
function follow(events: readonly RunEvent[], step_ms: number): string[] {
  let [text, now] = ['', 0];
  const write = (more: string) => {
    text += more;
  };
  const output = { write, live: false, width: () => undefined, paint: plainPaint };
  const open = () => createPlainDisplay(write, () => now);
  const follower = new Follower('toy · tiny · 1 cell', output, new Warnings(plan(node('warm', 'value'))), open);
  for (const event of events) {
    now += step_ms;
    follower.on(event);
  }
  follower.stop();
  return text.trimEnd().split('\n');
}

const name = { node: 'warm[type=T_next]', stage: 'warm', cell: 'type=T_next', unit: '3→4' };
const planned: RunEvent = { type: 'planned', counts: { hit: 1, run: 1, depends: 1 } };
const progress: RunEvent = { type: 'progress', report, ...name };

describe('plain progress', () => {
  test('is a line at the start, at most one in ten seconds, and one at the end', () => {
    const events: RunEvent[] = [
      planned,
      { type: 'unit-started', where: 'process 1', ...name },
      ...Array.from({ length: 6 }, () => progress),
      { type: 'unit-finished', status: 'ran', key: 'k', duration_ms: 1, ...name },
    ];
    expect(follow(events, 3000)).toEqual([
      'toy · tiny · 1 cell · 3 units: 1 cached, up to 2 to run',
      '[0:03] warm 3→4 T_next: started',
      '[0:15] warm 3→4 T_next: epoch 4/5  loss 0.0132',
      '[0:24] warm 3→4 T_next: done in 0:21',
    ]);
  });

  test('lists no cached unit, and tells a failed one of several', () => {
    const failure = {
      ...name,
      unit: '',
      units: ['3→4', '5→6'],
      reason: 'bug',
      message: 'm',
      stack: null,
      log: null,
      last_lines: [],
    } as const;
    const events: RunEvent[] = [
      planned,
      { type: 'unit-finished', status: 'cached', key: 'k', duration_ms: 1, ...name, unit: '1→2' },
      { type: 'unit-started', where: 'process 1', ...name },
      { type: 'failed', failure },
    ];
    expect(follow(events, 1000).slice(1)).toEqual([
      '[0:02] warm 3→4 T_next: started',
      '[0:03] warm 3→4 T_next: failed after 0:01',
    ]);
  });

  test('keeps what is said before the header', () => {
    const warning: RunEvent = { type: 'warning', reason: 'damaged', message: 'a blob is damaged', ...name };
    expect(follow([warning, planned], 0)).toEqual([
      'toy · tiny · 1 cell · 3 units: 1 cached, up to 2 to run',
      '! a blob is damaged',
    ]);
  });
});

test('times and sizes are short', () => {
  expect([0, 8000, 191_000, 3_765_000].map(formatDuration)).toEqual(['0:00', '0:08', '3:11', '1:02:45']);
  expect([0, 999, 1200, 999_900, 12_340_000_000].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.2 kB',
    '1 MB',
    '12.3 GB',
  ]);
});
