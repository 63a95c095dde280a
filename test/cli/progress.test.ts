import { describe, expect, test } from 'vitest';
import { unitLabel } from '../../cli/common/spec-name.ts';
import { Warnings } from '../../cli/common/warnings.ts';
import { barLine, nameWidths, totalLine } from '../../cli/progress/bar-line.ts';
import { Follower } from '../../cli/progress/follow.ts';
import { createPlainDisplay } from '../../cli/progress/plain-display.ts';
import { plainPaint } from '../../report/numbers/paint.ts';
import { textWidth } from '../../report/numbers/text-width.ts';
import type { RunEvent } from '../../runner/survey/events.ts';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import { node, plan } from '../runner/toy-plan.ts';

const unit = { id: '1', node: 'slw', stage: 'slw', label: '3→4 T_next arxiv_math' };
const report = { done: 4, total: 5, of: 'epoch', note: 'loss 0.0132' };

describe('the line of a running unit', () => {
  const names = nameWidths([unit]);

  test('shows stage, unit, bar, report and time', () => {
    expect(barLine({ unit, report, elapsed_ms: 8000 }, names, 90, plainPaint)).toBe(
      '  slw 3→4 T_next arxiv_math  ████████░░  epoch 4/5  loss 0.0132                       0:08',
    );
  });

  test('tells the time that is left once it can', () => {
    expect(barLine({ unit, report, elapsed_ms: 40_000 }, names, 110, plainPaint)).toMatch(/ 0:10 left$/);
  });

  test('is never wider than the terminal', () => {
    for (let width = 10; width < 140; width++)
      expect(textWidth(barLine({ unit, report, elapsed_ms: 8000 }, names, width, plainPaint))).toBeLessThanOrEqual(
        width,
      );
  });

  test('cuts no name beside empty space, and the report before a name', () => {
    const long = {
      id: '2',
      node: 'x',
      stage: 'capture-everything-here',
      label: 'T_next rank 4 seed 0 arxiv_math original 3→4',
    };
    const widths = nameWidths([unit, long]);
    const line = (width: number) => barLine({ unit: long, report, elapsed_ms: 8000 }, widths, width, plainPaint);
    expect(line(160)).toContain(`  ${long.stage} ${long.label}  █`);
    expect(line(160)).toContain('epoch 4/5  loss 0.0132 ');
    expect(line(112)).toContain(`  ${long.stage} ${long.label}  █`);
    expect(line(112)).toContain('  epoch 4/5  loss…');
    expect(line(90)).toContain('…');
  });
});

describe('the line for the whole', () => {
  const running = (elapsed_ms: number) => [
    { report, elapsed_ms },
    { report: undefined, elapsed_ms: 1000 },
  ];
  const pace = { units: 34, finished: 5, ran: 2, running: running(70_000), elapsed_ms: 140_000 };

  test('tells how much is done and how long the rest takes at the pace so far', () => {
    // 2.8 units in 140 s, and 34 - 5 - 0.8 = 28.2 are left
    expect(totalLine(pace, 80, plainPaint)).toBe('  5 of 34 · 2:20 · about 23:30 left');
  });

  test('and never less than a unit that runs will take by its own pace: the long ones often come last', () => {
    // a fifth is left of a unit that has taken 1200 s, where the two that are left by count would take 84 s
    const late = { ...pace, units: 34, finished: 32, ran: 32, running: running(1_200_000), elapsed_ms: 2_400_000 };
    expect(totalLine(late, 80, plainPaint)).toBe('  32 of 34 · 40:00 · about 5:00 left');
  });

  test('and nothing of the rest while there is no pace', () => {
    expect(totalLine({ ...pace, ran: 0, running: [] }, 80, plainPaint)).toBe('  5 of 34 · 2:20');
    expect(totalLine({ ...pace, elapsed_ms: 9000 }, 80, plainPaint)).toBe('  5 of 34 · 0:09');
    expect(totalLine({ ...pace, finished: 34, running: [] }, 80, plainPaint)).toBe('  34 of 34 · 2:20');
  });
});

test('a unit is named by its cell, with the axes of bare numbers', () => {
  expect(unitLabel('', 'type=T_next,rank=4,seed=0')).toBe('T_next rank 4 seed 0');
  expect(unitLabel('3→4', 'data=arxiv_math')).toBe('3→4 arxiv_math');
  expect(unitLabel('3→4', '')).toBe('3→4');
});

/** Follows `events`, the clock moving on by `step_ms` before each; returns what was written. */
function follow(events: readonly RunEvent[], step_ms: number | (() => number)): string[] {
  let [text, now] = ['', 0];
  const write = (more: string) => {
    text += more;
  };
  const output = { write, live: false, width: () => undefined, paint: plainPaint };
  const open = () => createPlainDisplay(write, () => now);
  const follower = new Follower('toy · tiny · 1 cell', output, new Warnings(plan(node('warm', 'value'))), open);
  for (const event of events) {
    now += typeof step_ms === 'number' ? step_ms : step_ms();
    follower.on(event);
  }
  follower.stop();
  return text.trimEnd().split('\n');
}

const name = { node: 'warm[type=T_next]', stage: 'warm', cell: 'type=T_next', unit: '3→4' };
const planned: RunEvent = { type: 'planned', counts: { hit: 1, run: 1, depends: 1 } };
const progress: RunEvent = { type: 'progress', report, ...name };

describe('plain progress', () => {
  test('is a line at the start, one for the whole in half a minute, and one at the end', () => {
    const events: RunEvent[] = [
      planned,
      { type: 'unit-started', where: 'process 1', ...name },
      ...Array.from({ length: 12 }, () => progress),
      { type: 'unit-finished', status: 'ran', key: 'k', duration_ms: 1, ...name },
    ];
    expect(follow(events, 3000)).toEqual([
      'toy · tiny · 1 cell · 3 units: 1 cached, up to 2 to run',
      '[0:03] warm 3→4 T_next: started',
      '[0:30] 0 of 3 · about 1:23 left · warm 3→4 T_next epoch 4/5  loss 0.0132',
      '[0:42] warm 3→4 T_next: done in 0:39',
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

  test('is one line for the units of a stage that start, run and end together', () => {
    const units = ['1', '2', '3'].map((layer) => ({ ...name, unit: `layer ${layer}` }));
    const events: RunEvent[] = [
      planned,
      ...units.map((each) => ({ type: 'unit-started', where: 'process 1', ...each }) as const),
      ...Array.from({ length: 3 }, () => units.map((each) => ({ ...progress, ...each }))).flat(),
      ...units.map((each) => ({ type: 'unit-finished', status: 'ran', key: 'k', duration_ms: 1, ...each }) as const),
    ];
    let at = 0;
    expect(follow(events, () => (at++ < 12 && at > 4 ? 4000 : 0)).slice(1)).toEqual([
      '[0:00] warm 3 units: started',
      '[0:32] 0 of 3 · about 0:08 left · warm 3 units epoch 4/5  loss 0.0132',
      '[0:32] warm 3 units: done in 0:32',
    ]);
  });

  test('is one line for units of a stage that end one after the other within a second, whatever ends between them', () => {
    const units = ['1', '2'].map((layer) => ({ ...name, unit: `layer ${layer}` }));
    const other = { node: 'base', stage: 'base', cell: '', unit: '' };
    const [first, second] = units as [typeof name, typeof name];
    const started = (of: typeof name) => ({ type: 'unit-started', where: 'process 1', ...of }) as const;
    const finished = (of: typeof name) =>
      ({ type: 'unit-finished', status: 'ran', key: 'k', duration_ms: 1, ...of }) as const;
    const events = [planned, ...[first, second, other].map(started), ...[first, other, second].map(finished)];
    const steps = [0, 0, 0, 0, 5000, 200, 200];
    expect(follow(events, () => steps.shift() ?? 0).slice(1)).toEqual([
      '[0:00] warm 2 units: started',
      '[0:00] base: started',
      '[0:05] warm 2 units: done in 0:05',
      '[0:05] base: done in 0:05',
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
