// The cells of an experiment: the product of its axes without what is excluded. Never written out as YAML.
import type { Axis } from '../experiment/axes.ts';
import type { Choice } from '../experiment/evaluator.ts';
import type { Selection } from '../experiment/selector.ts';
import { matches } from '../experiment/selector.ts';
import type { Condition } from '../experiment/where.ts';

/** More combinations than this are taken for a mistake. */
export const mostCells = 100_000;

/** How many combinations the axes span. */
export function combinations(axes: readonly Axis[]): number {
  return axes.reduce((product, axis) => product * axis.values.length, 1);
}

/**
 * Every kept combination, the last axis changing fastest. `include` alone is the union that is kept; with `exclude` it
 * takes back what that leaves out. `where` holds for every cell.
 */
export function cellsOf(
  axes: readonly Axis[],
  exclude: readonly Selection[],
  include: readonly Selection[],
  where: Condition,
): Choice[] {
  const kept: Choice[] = [];
  const choice = axes.map(() => 0);
  const isUnion = include.length > 0 && exclude.length === 0;
  for (let i = combinations(axes); i > 0; i--) {
    const out = isUnion || exclude.some((selection) => matches(selection, choice));
    const broken = axes.some((axis, a) => axis.values[choice[a] as number]?.broken);
    if (!broken && where(choice) && (!out || include.some((selection) => matches(selection, choice))))
      kept.push([...choice]);
    advance(choice, axes);
  }
  return kept;
}

function advance(choice: number[], axes: readonly Axis[]): void {
  for (let a = axes.length - 1; a >= 0; a--) {
    const next = (choice[a] as number) + 1;
    choice[a] = next < (axes[a] as Axis).values.length ? next : 0;
    if (choice[a] !== 0) return;
  }
}
