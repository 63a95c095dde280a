// Metrics are believed only when their bytes are the ones that the record names.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { metricsOf } from '../../report/result/outcome-metrics.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import { sha256 } from '../../store/digest.ts';

const folder = mkdtempSync(join(tmpdir(), 'lamina-metrics-'));
afterAll(() => rmSync(folder, { recursive: true }));

const text = '{"perplexity":1.81}';
const path = join(folder, 'blob');

function outcome(content: string | undefined): RunOutcome {
  rmSync(path, { force: true });
  if (content !== undefined) writeFileSync(path, content);
  const outputs = { metrics: { digest: sha256(text), size: text.length, open: async () => ({ path }) } };
  const preimage = { t: 'action/1', stage: 'm', version: 1, params: {}, inputs: {}, sources: {} } as const;
  const observed = { versions: {}, machine: {} };
  const took = { facts: {}, duration_ms: 1, peak_rss_bytes: 1, warnings: [], observed, preimage };
  const unit = { status: 'cached', unit: '', key: 'k', outputs, ...took } as const;
  const node = { node: 'ppl', stage: 'ppl', use: 'm', cell: '', warnings: [], units: [unit] };
  const summary = { cached: 1, ran: 0, failed: 0, blocked: 0, duration_ms: 1 };
  return { status: 'done', nodes: new Map([['ppl', node]]), failures: [], summary };
}

describe('the metrics of a cell', () => {
  test('are read as they were written', async () => {
    const found = await metricsOf({ nodes: [] }, outcome(text))('ppl', 'metrics');
    expect(found).toEqual({ key: 'k', digest: sha256(text), metrics: { perplexity: 1.81 } });
  });

  test.each([
    ['changed', text.replace('1.81', '9.81'), `were changed on disk ('${path}')`],
    ['gone', undefined, `are gone ('${path}')`],
  ])('that were %s after they were looked at are no number, and say so', async (_, content, what) => {
    expect(await metricsOf({ nodes: [] }, outcome(content))('ppl', 'metrics')).toEqual({
      key: 'k',
      error: `the metrics of stage 'ppl' ${what}; run again, and they are made anew`,
    });
  });
});
