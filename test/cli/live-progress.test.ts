// What a run keeps of itself while it goes on: how long it still takes.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveProgress } from '../../cli/runs/live-progress.ts';
import type { Survey } from '../../runner/survey/survey.ts';
import type { RunLive } from '../../store/runs/run-live.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

const unit = (name: string) => ({ node: 'tuned', stage: 'tuned', cell: '', unit: name });

test('is never told shorter than what a running unit will take by its own pace', async () => {
  const states: RunLive[] = [];
  const live = new LiveProgress(async (state) => void states.push(state));
  live.surveyed({ nodes: [{ node: { id: 'tuned' } }] } as unknown as Survey);
  live.hear({ type: 'planned', counts: { hit: 0, run: 11, depends: 0 } });
  for (let i = 0; i < 10; i++) {
    live.hear({ type: 'unit-started', where: 'here', ...unit(`${i}`) });
    live.hear({ type: 'unit-finished', status: 'ran', key: 'k', duration_ms: 1, ...unit(`${i}`) });
  }
  live.hear({ type: 'unit-started', where: 'here', ...unit('long') });
  await vi.advanceTimersByTimeAsync(60_000);
  live.hear({ type: 'progress', report: { done: 1, total: 4, of: 'step' }, ...unit('long') });
  await vi.advanceTimersByTimeAsync(5000);
  live.close();
  const kept = states.at(-1);
  expect(kept?.finished).toBe(10);
  expect(kept?.left_ms).toBeGreaterThanOrEqual(180_000); // a quarter took a minute; by count 4.4 s are left
});
