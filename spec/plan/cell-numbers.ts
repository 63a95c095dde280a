// Numbers given for cells, the paper's or a profile's: each entry fixes some axes and gives a number to all cells that agree.
import type { Problems } from '../../located/diagnostic.ts';
import type { Located, LocatedMap, Span } from '../../located/located.ts';
import { child, keySpan } from '../../located/located.ts';
import type { Axis } from '../experiment/axes.ts';
import { axisIndex, valueIndex } from '../experiment/axes.ts';
import type { Choice } from '../experiment/evaluator.ts';
import { projection } from '../experiment/evaluator.ts';
import { scalarName } from '../experiment/selector.ts';

interface CellNumber {
  fixed: ReadonlyMap<number, number>;
  value: number | null;
  span: Span;
}

/** Looks numbers up by cell. Entries that fix more axes win. */
export class CellNumbers {
  /** By the axes that the entries fix, most axes first; then by their values. */
  readonly #groups: { axes: readonly number[]; numbers: Map<string, CellNumber> }[] = [];
  readonly #where: string;

  constructor(where: string) {
    this.#where = where;
  }

  add(number: CellNumber, problems: Problems): void {
    const axes = [...number.fixed.keys()].sort((a, b) => a - b);
    let group = this.#groups.find((candidate) => candidate.axes.join() === axes.join());
    if (group === undefined) {
      group = { axes, numbers: new Map() };
      this.#groups.push(group);
      this.#groups.sort((a, b) => b.axes.length - a.axes.length);
    }
    const key = axes.map((axis) => number.fixed.get(axis)).join(',');
    const first = group.numbers.get(key);
    if (first === undefined) group.numbers.set(key, number);
    else {
      const related = [{ span: first.span, message: 'first given here' }];
      problems.add(number.span, `${this.#where}these axis values have two numbers`, related);
    }
  }

  /** Reports the numbers of which no combination is left. */
  checkUsed(choices: readonly Choice[], problems: Problems): void {
    for (const { axes, numbers } of this.#groups) {
      const there = new Set(choices.map((choice) => projection(axes, choice)));
      for (const [key, { span }] of numbers) {
        if (!there.has(key)) problems.add(span, `${this.#where}no cell has these axis values: they are left out`);
      }
    }
  }

  of(choice: Choice): number | null {
    for (const { axes, numbers } of this.#groups) {
      const found = numbers.get(projection(axes, choice));
      if (found !== undefined) return found.value;
    }
    return null;
  }
}

/** Reads a list of cells' numbers; reports unknown axes and values, and entries without a number, after `where`. */
export function readNumbers(
  list: Located | undefined,
  axes: readonly Axis[],
  where: string,
  problems: Problems,
): CellNumbers {
  const numbers = new CellNumbers(where);
  if (list?.kind !== 'list') return numbers;
  for (const item of list.items) {
    if (item.kind === 'map') for (const number of readEntry(item, axes, where, problems)) numbers.add(number, problems);
  }
  return numbers;
}

function readEntry(entry: LocatedMap, axes: readonly Axis[], where: string, problems: Problems): CellNumber[] {
  const fixed = new Map<number, number>();
  const spread: { axis: number; values: LocatedMap }[] = [];
  let wrong = false;
  for (const [name, { key, value }] of entry.entries) {
    if (name === 'value') continue;
    const axis = axisIndex(axes, name, key, where, problems);
    if (axis < 0) wrong = true;
    else if (value.kind === 'map') spread.push({ axis, values: value });
    else {
      const index = valueIndex(axes[axis] as Axis, scalarName(value), value.span, where, problems);
      wrong ||= index < 0;
      fixed.set(axis, index);
    }
  }
  const own = child(entry, 'value');
  const [first, second] = spread;
  if (second !== undefined || (first !== undefined) === (own !== undefined)) {
    if (!wrong) problems.add(entry.span, `${where}expected 'value', or one axis that maps its values to numbers`);
    return [];
  }
  if (wrong) return [];
  if (first === undefined) return own === undefined ? [] : numberOf(own, fixed, keySpan(entry, ['value']));
  return readSpread(first.axis, first.values, fixed, axes, where, problems);
}

function readSpread(
  axis: number,
  values: LocatedMap,
  fixed: ReadonlyMap<number, number>,
  axes: readonly Axis[],
  where: string,
  problems: Problems,
): CellNumber[] {
  const found: CellNumber[] = [];
  for (const [name, { key, value }] of values.entries) {
    const index = valueIndex(axes[axis] as Axis, name, key, where, problems);
    if (index >= 0) found.push(...numberOf(value, new Map(fixed).set(axis, index), key));
  }
  return found;
}

function numberOf(value: Located, fixed: ReadonlyMap<number, number>, span: Span): CellNumber[] {
  const number = value.kind === 'scalar' ? value.value : undefined;
  // Anything else was reported when the file was held against its schema.
  return typeof number === 'number' || number === null ? [{ fixed, value: number, span }] : [];
}
