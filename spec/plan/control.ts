// The control of an experiment: cells whose numbers are known beforehand and must come out before the grid is run.
import type { Problems } from '../../located/diagnostic.ts';
import type { Located } from '../../located/located.ts';
import { find, keySpan } from '../../located/located.ts';
import type { Axis } from '../experiment/axes.ts';
import type { Choice } from '../experiment/evaluator.ts';
import type { Experiment } from '../experiment/experiment.ts';
import type { Selection } from '../experiment/selector.ts';
import { matches, readSelection } from '../experiment/selector.ts';
import { readNumbers } from './cell-numbers.ts';

/** What the control expects of a cell; null for a cell that it does not name. */
export interface Control {
  within: number;
  expected(choice: Choice): { value: number; source: 'paper' | 'profile' } | null;
}

/**
 * The control of `experiment` under `profile`: the profile's own `expect` where it gives a number, else the paper's.
 * Reports a control without any expected number: it would let everything pass.
 */
export function readControl(
  experiment: Experiment,
  profile: string,
  axes: readonly Axis[],
  choices: readonly Choice[],
  paper: (choice: Choice) => number | null,
  problems: Problems,
): Control | undefined {
  const before = problems.count;
  const list = find(experiment.tree, ['profiles', profile, 'expect']);
  const own = readNumbers(list, axes, `profile '${profile}': expect: `, problems);
  const { control } = experiment.data;
  if (control === undefined) return undefined;
  const selections = selectionsOf(experiment, axes, problems);
  const expected = (choice: Choice) => {
    if (!selections.some((selection) => matches(selection, choice))) return null;
    const known = own.of(choice);
    if (known !== null) return { value: known, source: 'profile' as const };
    const printed = list === undefined ? paper(choice) : null;
    return printed === null ? null : { value: printed, source: 'paper' as const };
  };
  const clean = problems.count === before && !experiment.partial && choices.length > 0;
  if (clean && !choices.some((choice) => expected(choice) !== null)) {
    const way = `give the numbers under 'expect' of profile '${profile}', or in 'paper'`;
    problems.add(keySpan(experiment.tree, ['control']), `control: none of its cells has an expected number: ${way}`);
  }
  return { within: control.within, expected };
}

function selectionsOf(experiment: Experiment, axes: readonly Axis[], problems: Problems): Selection[] {
  const cells = find(experiment.tree, ['control', 'cells']);
  const items: (Located | undefined)[] = cells?.kind === 'list' ? [...cells.items] : [cells];
  return items.flatMap((item) => readSelection(item, axes, 'control: ', problems) ?? []);
}
