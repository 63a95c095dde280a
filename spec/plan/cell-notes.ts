// The notes of an experiment: remarks on all of it, and remarks on some of its cells.
import type { Plan, PlanCellNote } from '../../contract/plan.ts';
import type { Problems } from '../../located/diagnostic.ts';
import { find, valueSpan } from '../../located/located.ts';
import type { ExperimentNote } from '../../schemas/experiment.ts';
import type { Axis } from '../experiment/axes.ts';
import type { Choice } from '../experiment/evaluator.ts';
import type { Experiment } from '../experiment/experiment.ts';
import { matches, readSelection, whereOf } from '../experiment/selector.ts';

/** The notes of the file, then those of the profile; reports a note on cells that do not exist. */
export function readNotes(
  experiment: Experiment,
  profile: string,
  axes: readonly Axis[],
  choices: readonly Choice[],
  problems: Problems,
): Pick<Plan, 'notes' | 'cell_notes'> {
  const { data } = experiment;
  const notes: string[] = [];
  const cell_notes: PlanCellNote[] = [];
  const read = (given: readonly ExperimentNote[] | undefined, path: readonly string[]) => {
    for (const [i, note] of (given ?? []).entries()) {
      if (typeof note === 'string') notes.push(note);
      else cell_notes.push(...readCellNote(note.note, [...path, String(i)], experiment, axes, choices, problems));
    }
  };
  read(data.notes, ['notes']);
  read(data.profiles?.[profile]?.notes, ['profiles', profile, 'notes']);
  return { notes, cell_notes };
}

function readCellNote(
  note: string,
  path: readonly string[],
  experiment: Experiment,
  axes: readonly Axis[],
  choices: readonly Choice[],
  problems: Problems,
): PlanCellNote[] {
  const selection = readSelection(find(experiment.tree, [...path, 'where']), axes, 'note: ', problems);
  if (selection === undefined) return [];
  if (choices.length > 0 && !choices.some((choice) => matches(selection, choice))) {
    problems.add(valueSpan(experiment.tree, [...path, 'where']), 'note: no cell has these axis values');
  }
  return [{ where: whereOf(selection, axes), note }];
}
