// The paper's numbers: each entry fixes some axes and gives a number to all cells that agree with it.
import type { Axis } from './axes.ts';
import { axisIndex, valueIndex } from './axes.ts';
import type { Problems } from './diagnostic.ts';
import type { Choice } from './evaluator.ts';
import { projection } from './evaluator.ts';
import type { Located, LocatedMap, Span } from './located.ts';
import { child, keySpan } from './located.ts';
import { scalarName } from './selector.ts';

interface PaperNumber {
  fixed: ReadonlyMap<number, number>;
  value: number | null;
  span: Span;
}

/** Looks numbers up by cell. Entries that fix more axes win. */
export class PaperNumbers {
  /** By the axes that the entries fix, most axes first; then by their values. */
  readonly #groups: { axes: readonly number[]; numbers: Map<string, PaperNumber> }[] = [];

  add(number: PaperNumber, problems: Problems): void {
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
      problems.add(number.span, 'the paper gives a number for these axis values twice', related);
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

/** Reads `paper.values`; reports unknown axes and values, and entries without a number. */
export function readPaper(list: Located | undefined, axes: readonly Axis[], problems: Problems): PaperNumbers {
  const numbers = new PaperNumbers();
  if (list?.kind !== 'list') return numbers;
  for (const item of list.items) {
    if (item.kind === 'map') for (const number of readEntry(item, axes, problems)) numbers.add(number, problems);
  }
  return numbers;
}

function readEntry(entry: LocatedMap, axes: readonly Axis[], problems: Problems): PaperNumber[] {
  const fixed = new Map<number, number>();
  const spread: { axis: number; values: LocatedMap }[] = [];
  let wrong = false;
  for (const [name, { key, value }] of entry.entries) {
    if (name === 'value') continue;
    const axis = axisIndex(axes, name, key, 'paper: ', problems);
    if (axis < 0) wrong = true;
    else if (value.kind === 'map') spread.push({ axis, values: value });
    else {
      const index = valueIndex(axes[axis] as Axis, scalarName(value), value.span, 'paper: ', problems);
      wrong ||= index < 0;
      fixed.set(axis, index);
    }
  }
  const own = child(entry, 'value');
  const [first, second] = spread;
  if (second !== undefined || (first !== undefined) === (own !== undefined)) {
    if (!wrong) problems.add(entry.span, "paper: expected 'value', or one axis that maps its values to numbers");
    return [];
  }
  if (wrong) return [];
  if (first === undefined) return own === undefined ? [] : numberOf(own, fixed, keySpan(entry, ['value']), problems);
  return readSpread(first.axis, first.values, fixed, axes, problems);
}

function readSpread(
  axis: number,
  values: LocatedMap,
  fixed: ReadonlyMap<number, number>,
  axes: readonly Axis[],
  problems: Problems,
): PaperNumber[] {
  const found: PaperNumber[] = [];
  for (const [name, { key, value }] of values.entries) {
    const index = valueIndex(axes[axis] as Axis, name, key, 'paper: ', problems);
    if (index >= 0) found.push(...numberOf(value, new Map(fixed).set(axis, index), key, problems));
  }
  return found;
}

function numberOf(value: Located, fixed: ReadonlyMap<number, number>, span: Span, problems: Problems): PaperNumber[] {
  const number = value.kind === 'scalar' ? value.value : undefined;
  if (typeof number === 'number' || number === null) return [{ fixed, value: number, span }];
  problems.add(value.span, `paper: expected a number or null`);
  return [];
}
