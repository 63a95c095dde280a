// The committed Original row of Table 6 against what lm-evaluation-harness 0.4.5 made of the same model and records (tiny.py).
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { taskData } from '../../stages/task-data/declare.ts';
import { sha256 } from '../../store/digest.ts';
import { runStage } from '../stages/harness.ts';

const root = resolve(import.meta.dirname, '../..');
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const harness = json('test/fixtures/tasks/tiny.json') as {
  data_sha256: string;
  models: { tiny: Record<string, Record<string, number>> };
};

it('the harness read the records that are generated today', async () => {
  const { files } = await runStage(taskData, { params: { generate: 'tiny_world' } });
  expect(sha256(readFileSync(files['']?.data as string))).toBe(harness.data_sha256);
});

it('Original of Table 6 on the tiny profile has the numbers of the harness', () => {
  const cells = (json('results/table-6/tiny/cells.json') as { cells: Cell[] }).cells;
  const original = cells.filter(({ axes }) => axes.method === 'original');
  expect(original.length).toBe(14);
  let records = 0;
  for (const { axes, metric, value, n } of original) {
    const task = axes.task as string;
    const score = metric.slice(`tasks.${task}.`.length);
    const theirs = harness.models.tiny[task] ?? {};
    // the harness names no group of the three years: their plain mean
    const years = [2011, 2012, 2013].map((year) => harness.models.tiny[`qa4mre_${year}`]?.acc as number);
    const expected = task === 'qa4mre' ? years.reduce((sum, acc) => sum + acc) / 3 : theirs[score];
    expect(value, task).toBeCloseTo(expected as number, 12);
    records += n;
  }
  console.log(`Table 6, Original on tiny: 14 numbers over ${records} records equal those of lm_eval 0.4.5`);
});

interface Cell {
  axes: Record<string, string>;
  metric: string;
  value: number;
  n: number;
}
