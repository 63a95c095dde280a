// `lamina plan`: per stage what is cached, what would run, and what waits; nothing runs.
import { historyOf, type StageHistory } from '../../runner/history.ts';
import { type Inspection, inspect, type PlanItem } from '../../runner/inspect.ts';
import type { Plan } from '../../spec/plan.ts';
import { openFileStore } from '../../store/file-store.ts';
import { alignColumns } from '../columns.ts';
import type { Context } from '../context.ts';
import { formatBytes, formatDuration } from '../duration.ts';
import { exitCodes } from '../exit-codes.ts';
import type { PlanFlags } from '../flags.ts';
import { planOf } from '../plan-request.ts';
import { countOf } from '../spec-name.ts';
import type { Output } from '../terminal.ts';

interface PlanCommandFlags extends PlanFlags {
  verbose?: boolean;
}

/** Prints what a run of the spec would do. */
export async function plan([spec]: [string], flags: PlanCommandFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const planned = await planOf(spec, flags, registry);
  const store = await openFileStore(flags.store, { mode: 'read' });
  try {
    const inspection = await inspect(planned, registry, store);
    for (const warning of inspection.warnings) if ('message' in warning) err.write(`${warning.message}\n`);
    if (flags.json) out.write(`${JSON.stringify(planJson(inspection), undefined, 1)}\n`);
    else {
      const history = await historyOf(store);
      out.write(planText(planned, inspection, flags.verbose === true, out) + estimateText(inspection.items, history));
    }
  } finally {
    store.close();
  }
  return exitCodes.done;
}

/** The documented form: one entry per stage and cell; a stage with units has one per unit, with `unit`. */
function planJson({ items, counts }: Inspection) {
  const stages = items.map(({ node, unit, status, key }) => ({
    name: node.stage,
    stage: node.use,
    cell: node.cell,
    ...(unit === '' ? {} : { unit }),
    status,
    key,
  }));
  return { stages, summary: { hit: counts.hit, run: counts.run, depends: counts.depends } };
}

function planText(plan: Plan, { items, counts }: Inspection, verbose: boolean, out: Output): string {
  const head = `${plan.experiment} · ${plan.profile} · ${countOf(plan.cells.length, 'cell')}`;
  const lines = verbose ? unitLines(items) : stageLines(items);
  return `${[out.paint.strong(head), ...alignColumns(lines, '  '), summaryText(counts)].join('\n')}\n`;
}

/** One line per stage of the pipeline, all its cells together. */
function stageLines(items: readonly PlanItem[]): string[][] {
  const stages = new Map<string, PlanItem[]>();
  for (const item of items) stages.set(item.node.stage, [...(stages.get(item.node.stage) ?? []), item]);
  return [...stages].map(([stage, its]) => {
    const count = (status: PlanItem['status']) => its.filter((item) => item.status === status).length;
    const part = (count: number, text: string) => (count === 0 ? '' : `${count} ${text}`);
    const waits = [...new Set(its.flatMap((item) => item.depends_on.map((id) => id.replace(/\[.*$/, ''))))];
    const depends = count('depends') === 0 ? '' : `${count('depends')} after ${waits.join(', ') || 'others'}`;
    return [stage, its[0]?.node.use ?? '', part(count('hit'), 'cached'), part(count('run'), 'to run'), depends];
  });
}

function unitLines(items: readonly PlanItem[]): string[][] {
  return items.map(({ node, unit, status, key, depends_on, record }) => {
    const spent = record === null ? '' : `took ${formatDuration(record.about.duration_ms)}`;
    const remark = status === 'depends' ? `after ${depends_on.join(', ')}` : spent;
    return [node.id, unit, status, key?.slice(0, 12) ?? '', remark];
  });
}

function summaryText(counts: Inspection['counts']): string {
  const { hit, run, depends } = counts;
  const units = hit + run + depends;
  const waiting = depends === 0 ? '' : `, ${depends} after them (cached where their inputs come out the same)`;
  return `${countOf(units, 'unit')}: ${hit} cached, ${run} to run${waiting}`;
}

/** What the rest will take, by the medians of earlier units of the same stages; nothing when nothing is known. */
function estimateText(items: readonly PlanItem[], history: ReadonlyMap<string, StageHistory>): string {
  const rest = items.filter((item) => item.status !== 'hit');
  const known = rest.flatMap(({ node }) => history.get(node.use) ?? []);
  if (known.length === 0) return '';
  const sum = (field: 'duration_ms' | 'output_bytes') => known.reduce((total, each) => total + each[field], 0);
  const unknown = [...new Set(rest.filter(({ node }) => !history.has(node.use)).map(({ node }) => node.use))];
  const without = unknown.length === 0 ? '' : `, not counting ${unknown.join(', ')}, which have not run here yet`;
  const work = `${formatDuration(sum('duration_ms'))} of work and ${formatBytes(sum('output_bytes'))} to keep`;
  return `about ${work}, by the units of these stages that ran before${without}\n`;
}
