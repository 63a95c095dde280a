// Selectors: axis values that must hold, in exclude, include, claims and the paper's numbers.
import type { Problems } from '../../located/diagnostic.ts';
import type { Located } from '../../located/located.ts';
import type { Axis } from './axes.ts';
import { axisIndex, valueIndex } from './axes.ts';
import type { Choice } from './evaluator.ts';

/** Allowed value indexes by axis index. */
export type Selection = ReadonlyMap<number, ReadonlySet<number>>;

/** Reads a selector; undefined when an axis or a value in it is unknown (reported). */
export function readSelection(
  tree: Located | undefined,
  axes: readonly Axis[],
  where: string,
  problems: Problems,
): Selection | undefined {
  const selection = new Map<number, Set<number>>();
  let wrong = false;
  for (const [name, { key, value }] of tree?.kind === 'map' ? tree.entries : []) {
    const axis = axisIndex(axes, name, key, where, problems);
    const items = value.kind === 'list' ? value.items : [value];
    if (axis >= 0) {
      const indexes = items.map((item) => valueIndex(axes[axis] as Axis, scalarName(item), item.span, where, problems));
      selection.set(axis, new Set(indexes));
      wrong ||= indexes.includes(-1);
    } else wrong = true;
  }
  return wrong ? undefined : selection;
}

/** The name of the axis value that a scalar stands for. */
export function scalarName(value: Located): string {
  return value.kind === 'scalar' ? `${value.value}` : '';
}

/** True when a cell lies in a selection. */
export function matches(selection: Selection, choice: Choice): boolean {
  for (const [axis, values] of selection) if (!values.has(choice[axis] as number)) return false;
  return true;
}

/** A selection by names: the values that are allowed, by axis. */
export function whereOf(selection: Selection, axes: readonly Axis[]): Record<string, readonly string[]> {
  const named = [...selection].map(([axis, values]) => {
    return [axes[axis]?.name ?? '', [...values].map((value) => axes[axis]?.values[value]?.name ?? '')] as const;
  });
  return Object.fromEntries(named);
}
