// Compares the control's cells with what they are expected to be.
import type { Plan, PlanCell } from '../../contract/plan.ts';
import { formatApart } from '../numbers/number.ts';
import { type FindMetric, readMetric } from './collect.ts';

/** A control cell that is off, as a sentence: `original,arxiv_math is 1.99, expected 1.40 (the paper) within 5 %`. */
export interface ControlMiss {
  cell: string;
  text: string;
}

/** The control cells of `plan` that are off by more than it allows. */
export async function checkControl(plan: Plan, find: FindMetric): Promise<ControlMiss[]> {
  const misses: ControlMiss[] = [];
  for (const cell of plan.cells) {
    const text = await missOf(cell, plan.control?.within ?? 0, find);
    if (text !== undefined) misses.push({ cell: cell.name, text: `${cell.name} ${text}` });
  }
  return misses;
}

async function missOf({ metric, expected }: PlanCell, within: number, find: FindMetric): Promise<string | undefined> {
  if (expected === null) return undefined;
  const found = await find(metric.node, metric.output);
  const value = 'error' in found ? undefined : readMetric(found.metrics, metric.field)?.value;
  if (value === undefined || value === null) return `has no number: ${'error' in found ? found.error : metric.field}`;
  if (Math.abs(value - expected.value) <= within * Math.abs(expected.value)) return undefined;
  const [ours, wanted] = formatApart([value, expected.value]);
  const source = expected.source === 'paper' ? 'the paper' : 'the profile';
  return `is ${ours}, expected ${wanted} (${source}) within ${Number((100 * within).toPrecision(6))} %`;
}
