// Results and comparisons for the page: of runs, and of the outcomes in the results folder.
import { compareSides } from '../../report/diff/diff.ts';
import { type DiffView, viewOf } from '../../report/diff/view.ts';
import { loadStart } from '../../store/runs/run-record.ts';
import { listExperiments, listRuns } from '../../store/runs/runs.ts';
import type { ResultName, ShownResult } from '../../ui/facts.ts';
import { namesIn } from '../../util/names-in.ts';
import type { Context } from '../common/context.ts';
import { resultsFolder } from '../common/project.ts';
import { planCommand } from '../common/spec-name.ts';
import { findSides } from '../diff/sides.ts';
import { outcomeProfiles } from '../result/outcome-folder.ts';
import { findOutcome, findResult } from '../runs/run-files.ts';
import { RunPlaces } from '../runs/run-places.ts';
import { wordsOf } from '../runs/run-reference.ts';
import { type Named, readName } from './names.ts';

/** Of each experiment the latest runs, then what is kept. */
const latestOfEach = 5;

/** What can be looked at: for lists to choose from. */
export function resultNames(store: string): ResultName[] {
  const runs = listExperiments(store).flatMap((experiment) =>
    listRuns(store, experiment)
      .slice(-latestOfEach)
      .reverse()
      .map((run) => ({ name: `${experiment}@${run}`, text: `${experiment}@${run}` })),
  );
  const kept = namesIn(resultsFolder())
    .sort()
    .flatMap((experiment) => outcomeProfiles(experiment).map((profile) => ({ experiment, profile })))
    .map(({ experiment, profile }) => ({
      name: `${experiment}@results:${profile}`,
      text: `${experiment} · ${profile} (results)`,
    }));
  return [...runs, ...kept];
}

/** The result under a name. Throws UserError. */
export function shownResult(store: string, text: string): ShownResult {
  const named = readName(store, text);
  if (named.kind === 'outcome') {
    const { result, warnings } = findOutcome(named.experiment, store, named.profile);
    return { name: named.name, result, warnings, remarks: [], again: againOf(store, named, result.spec) };
  }
  const { result, warnings, remark, trials } = findResult(named.name, store, undefined);
  const remarks = [remark, trials].filter((each) => each !== undefined);
  return { name: named.name, result, warnings, remarks, again: againOf(store, named, result?.spec) };
}

/** The command that makes it again, with the flags that it was made with. */
export function againOf(store: string, named: Named, spec: string | undefined): string | null {
  if (named.kind === 'outcome') {
    const flags = { set: [], only: [], store, ...(named.profile === 'default' ? {} : { profile: named.profile }) };
    return spec === undefined ? null : planCommand('run', spec, flags);
  }
  const start = loadStart(store, named.experiment, named.run);
  if (start === undefined) return null;
  const { set = [], only = [], seed } = wordsOf(start.overrides);
  const profile = start.profile === 'default' ? {} : { profile: start.profile };
  return planCommand('run', start.spec, { set, only, store, ...profile, ...(seed === undefined ? {} : { seed }) });
}

/** What `lamina diff` says of two names. Throws UserError. */
export async function diffOf(store: string, before: string, after: string, context: Context): Promise<DiffView> {
  const [a, b] = [readName(store, before), readName(store, after)];
  const [one, other] = await findSides([a.name, b.name], { store, places: new RunPlaces(store, undefined) }, context);
  return viewOf(compareSides(one.side, other.side, [...one.remarks, ...other.remarks]));
}
