// What people call a run: a name, tags and a note, in a small file of their own that may be written again.
import { UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import { fields, list, misshape, nullable, type Shape, text } from '../../util/shape.ts';
import { runNumber, runsMeant } from './run-names.ts';
import { listRuns, loadRun, saveRun } from './runs.ts';

export interface RunLabels {
  /** Stands after `@` in the place of the number; several runs may have it, the latest is meant then. */
  name: string | null;
  tags: readonly string[];
  /** Free text, '' for none. */
  note: string;
}

export const noLabels: RunLabels = { name: null, tags: [], note: '' };

const labelsShape: Shape<RunLabels> = fields({ name: nullable(text), tags: list(text), note: text });

/** What `NAME@` is followed by and what means something else there. */
const reserved = ['results', 'HEAD'];
const longestNote = 2000;

/** The labels, each tag once. Throws UserError for a name or a tag that could not be told from a number, a time or a flag. */
export function checkLabels({ name, tags, note }: RunLabels): RunLabels {
  if (name !== null && reserved.includes(name))
    throw new UserError(`a run cannot be named '${name}', which means something else after '@'`);
  for (const [what, word] of [...(name === null ? [] : [['name', name]]), ...tags.map((tag) => ['tag', tag])])
    if (!/^\p{L}[\p{L}\p{N}_.-]{0,63}$/u.test(word as string))
      throw new UserError(
        `'${word}' cannot be the ${what} of a run: expected a letter, then letters, digits, '_', '-' and '.', 64 at most`,
      );
  if (note.length > longestNote)
    throw new UserError(`the note has ${note.length} characters, expected at most ${longestNote}`);
  return { name, tags: [...new Set(tags)], note };
}

/** Keeps the labels of a run, in the place of those that it had. Throws UserError when they cannot be written. */
export function keepLabels(store: string, experiment: string, run: string, labels: RunLabels): void {
  const file = { format: 'lamina-run-labels', version: 1, ...labels };
  saveRun(store, experiment, run, 'labels', file as unknown as JsonObject);
}

/** The labels of a run. Throws UserError for a damaged file. */
export function loadLabels(store: string, experiment: string, run: string): RunLabels {
  const value = loadRun(store, experiment, run, 'labels');
  if (value === undefined) return noLabels;
  const what = `'labels.json' of run '${experiment}@${run}'`;
  const { format, version, ...kept } = value;
  if (format !== 'lamina-run-labels' || version !== 1)
    throw new UserError(`${what} has a format that this lamina does not know`);
  const wrong = misshape(labelsShape, kept);
  if (wrong !== undefined) throw new UserError(`${what} is damaged: ${wrong}`);
  const { name, tags, note } = kept as unknown as RunLabels;
  return { name, tags, note };
}

/** The runs that `wanted` means, the oldest first: a number, the beginning of a name or of a time, or else a name that people gave. */
export function findRuns(store: string, experiment: string, wanted: string): string[] {
  const all = listRuns(store, experiment);
  const meant = runsMeant(all, wanted);
  return meant.length > 0 ? meant : all.filter((run) => nameOf(store, experiment, run) === wanted);
}

/** The one run that `wanted` means; a number alone is no beginning of a time here. Throws UserError for none, and for several. */
export function findRun(store: string, experiment: string, wanted: string): string {
  const isNumber = /^\d{1,9}$/.test(wanted);
  const all = findRuns(store, experiment, wanted);
  const found = isNumber ? all.filter((run) => runNumber(run) === Number(wanted)) : all;
  const [run, another] = found;
  if (run !== undefined && another === undefined) return run;
  if (run !== undefined)
    throw new UserError(
      `'${experiment}@${wanted}' means ${found.length} runs (${found.slice(-5).join(', ')}): give the number of one`,
    );
  const known = listRuns(store, experiment).slice(-3);
  const hint = known.length === 0 ? 'it has no runs' : `its latest runs are ${known.join(', ')}`;
  throw new UserError(`there is no run '${wanted}' of '${experiment}' in '${store}': ${hint} (see 'lamina runs')`);
}

/** Labels that cannot be read name nothing; the list of runs tells of them. */
function nameOf(store: string, experiment: string, run: string): string | null {
  try {
    return loadLabels(store, experiment, run).name;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
