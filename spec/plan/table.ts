// The table of an experiment: which axes are rows, which columns, and which are averaged.
import type { Better, PlanTable } from '../../contract/plan.ts';
import type { Problems } from '../../located/diagnostic.ts';
import type { Span } from '../../located/located.ts';
import { place, valueSpan } from '../../located/located.ts';
import type { ExperimentFile } from '../../schemas/experiment.ts';
import type { Axis } from '../experiment/axes.ts';
import { axisIndex } from '../experiment/axes.ts';
import { seedName } from '../experiment/bindings.ts';
import type { Experiment } from '../experiment/experiment.ts';

type Part = 'rows' | 'columns' | 'mean_over';
const parts = ['rows', 'columns', 'mean_over'] as const;

/**
 * The table. Without one in the file: the last axis in columns, seeds averaged, the rest in rows. Axes that --set adds
 * (`added`) become rows. `field` names the numbers when the file does not.
 */
export function readTable(
  experiment: Experiment,
  axes: readonly Axis[],
  added: ReadonlySet<string>,
  field: string,
  problems: Problems,
): PlanTable {
  const { table, paper } = experiment.data;
  const placed: Record<Part, string[]> = { rows: [], columns: [], mean_over: [] };
  const first = new Map<string, Span>();
  const before = problems.count;
  for (const part of parts) placeNamed(part, experiment, axes, placed, first, problems);
  const named = problems.count === before;
  const left = axes.filter((axis) => !first.has(axis.name));
  for (const axis of left) {
    if (axis.name === seedName) placed.mean_over.push(axis.name);
    else if (added.has(axis.name)) placed.rows.push(axis.name);
    else if (hasPlaces(table)) {
      if (!named || axis.broken) continue;
      problems.add(
        axis.key,
        `axis '${axis.name}' has no place in the table: name it in 'rows', 'columns' or 'mean_over'`,
      );
    } else placed[axis === lastOf(left, added) && left.length > 1 ? 'columns' : 'rows'].push(axis.name);
  }
  const source = paper?.source ?? '';
  const beside = Object.entries(table?.beside ?? {}).map(([name, { label, format }]) => ({
    name,
    label: label ?? name,
    format: format ?? ('number' as const),
  }));
  return {
    ...placed,
    beside,
    metric: table?.metric ?? field,
    better: table?.better ?? usuallyBetter(field),
    paper: source,
  };
}

function placeNamed(
  part: Part,
  experiment: Experiment,
  axes: readonly Axis[],
  placed: Record<Part, string[]>,
  first: Map<string, Span>,
  problems: Problems,
): void {
  for (const [i, name] of (experiment.data.table?.[part] ?? []).entries()) {
    const span = valueSpan(experiment.tree, ['table', part, String(i)]);
    const before = first.get(name);
    if (before !== undefined) {
      const { file, line, column } = place(before);
      problems.add(span, `axis '${name}' already has a place in the table, at ${file}:${line}:${column}`);
    } else if (axisIndex(axes, name, span, 'table: ', problems) >= 0) {
      first.set(name, span);
      placed[part].push(name);
    }
  }
}

function hasPlaces(table: ExperimentFile['table']): boolean {
  return table?.rows !== undefined || table?.columns !== undefined;
}

function lastOf(axes: readonly Axis[], added: ReadonlySet<string>): Axis | undefined {
  return axes.findLast((axis) => axis.name !== seedName && !added.has(axis.name));
}

/** Accuracies, as lm-eval-tasks names them, are better when higher; errors, perplexities, bytes and times when lower. */
function usuallyBetter(field: string): Better {
  const name = field.split('.').at(-1) ?? '';
  return /^(?:acc|exact_match|mrr|r@)/.test(name) ? 'higher' : 'lower';
}
