// A plan as text: what is cached, what would run and what waits, by stage of the pipeline or by unit.
import type { Plan } from '../../contract/plan.ts';
import type { Inspection, PlanItem } from '../../runner/survey/inspect.ts';
import { formatDuration } from '../../util/amounts.ts';
import { alignColumns } from '../common/columns.ts';
import { countOf } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';

/** The heading of a plan, its stages (or units), and how many units are in which state. */
export function planLines(plan: Plan, { items, counts }: Inspection, verbose: boolean, out: Output): string[] {
  const lines = verbose ? unitLines(items) : stageLines(items);
  return [headLine(plan, out), ...alignColumns(lines, '  '), summaryLine(counts)];
}

/** Heading and state in two lines, for a plan among others. */
export function shortPlanLines(plan: Plan, { counts }: Inspection, out: Output): string[] {
  return [headLine(plan, out), `  ${summaryLine(counts)}`];
}

function headLine(plan: Plan, { paint }: Output): string {
  return paint.strong(`${plan.experiment} · ${plan.profile} · ${countOf(plan.cells.length, 'cell')}`);
}

/** One line per stage of the pipeline, all its cells together. */
function stageLines(items: readonly PlanItem[]): string[][] {
  const stages = new Map<string, PlanItem[]>();
  for (const item of items) {
    const its = stages.get(item.node.stage);
    if (its === undefined) stages.set(item.node.stage, [item]);
    else its.push(item);
  }
  return [...stages].map(([stage, its]) => {
    const count = (status: PlanItem['status']) => its.filter((item) => item.status === status).length;
    const part = (count: number, text: string) => (count === 0 ? '' : `${count} ${text}`);
    const depends = count('depends') === 0 ? '' : `${count('depends')} ${waitsFor(its)}`;
    return [stage, its[0]?.node.use ?? '', part(count('hit'), 'cached'), part(count('run'), 'to run'), depends];
  });
}

/** `after base, tuned, once its source is here`. */
function waitsFor(items: readonly PlanItem[]): string {
  const stages = items.flatMap((item) => item.depends_on.map((id) => id.replace(/\[.*$/, '')));
  const sources = new Set(items.flatMap((item) => item.absent)).size;
  const once = sources === 1 ? 'its source is here' : 'their sources are here';
  return waitText([...new Set(stages)], sources === 0 ? [] : [once]) || 'after others';
}

function waitText(stages: readonly string[], once: readonly string[]): string {
  const parts = [
    stages.length > 0 ? `after ${stages.join(', ')}` : '',
    once.length > 0 ? `once ${once.join(', ')}` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function unitLines(items: readonly PlanItem[]): string[][] {
  return items.map(({ node, unit, status, key, depends_on, absent, record }) => {
    const spent = record === null ? '' : `took ${formatDuration(record.about.duration_ms)}`;
    const once = absent.map((path) => `${path} is here`);
    const remark = status === 'depends' ? waitText(depends_on, once) || 'after others' : spent;
    return [node.id, unit, status, key?.slice(0, 12) ?? '', remark];
  });
}

function summaryLine({ hit, run, depends }: Inspection['counts']): string {
  const waiting = depends === 0 ? '' : `, ${depends} after them (cached where their inputs come out the same)`;
  return `${countOf(hit + run + depends, 'unit')}: ${hit} cached, ${run} to run${waiting}`;
}
