// `lamina runs rm`, `runs tag` and `runs note`: what people do to the list of runs. Artifacts and records are left alone.
import { checkLabels, findRun, keepLabels, loadLabels, type RunLabels } from '../../store/runs/run-labels.ts';
import { dropRun } from '../../store/runs/runs.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import type { NamedRun } from '../runs/latest-runs.ts';
import { runInfo } from '../runs/run-info.ts';

interface TagFlags extends StoreFlags {
  remove?: boolean;
}

/** Removes runs from the list, all of them looked up before the first; their numbers do not come again. */
export async function removeRuns([names]: [string[]], { store, json }: StoreFlags, context: Context): Promise<number> {
  const found = names.map((name) => oneRun(name, store));
  for (const { experiment, run } of found) {
    const { status, process } = runInfo(store, experiment, run);
    if (status === 'running' || status === 'unknown')
      throw new UserError(
        `'${experiment}@${run}' has not ended (process ${process?.pid} on ${process?.host}): stop it first`,
      );
  }
  for (const { experiment, run } of found) dropRun(store, experiment, run);
  tell(found, json, context);
  return exitCodes.done;
}

/** Adds tags to a run, or takes them away. */
export async function tagRun([name, tags]: [string, string[]], flags: TagFlags, context: Context): Promise<number> {
  return relabel(name, flags, context, (labels) => {
    const left = labels.tags.filter((tag) => !tags.includes(tag));
    return { ...labels, tags: flags.remove === true ? left : [...labels.tags, ...tags] };
  });
}

/** Gives a run a note in the place of the one that it had; an empty text takes it away. */
export async function noteRun([name, note]: [string, string], flags: StoreFlags, context: Context): Promise<number> {
  return relabel(name, flags, context, (labels) => ({ ...labels, note }));
}

function relabel(
  name: string,
  { store, json }: StoreFlags,
  context: Context,
  change: (labels: RunLabels) => RunLabels,
) {
  const found = oneRun(name, store);
  const labels = checkLabels(change(loadLabels(store, found.experiment, found.run)));
  keepLabels(store, found.experiment, found.run, labels);
  tell([found], json, context);
  return exitCodes.done;
}

function tell(runs: readonly NamedRun[], json: boolean | undefined, { terminal: { out } }: Context): void {
  const names = runs.map(({ experiment, run }) => `${experiment}@${run}`);
  out.write(json ? `${JSON.stringify(names, undefined, 1)}\n` : names.map((name) => `${name}\n`).join(''));
}

/** Who changes what is kept says which run, and not only which experiment. */
function oneRun(name: string, store: string): NamedRun {
  const [, experiment, wanted] = /^([^@/]+)@(.+)$/s.exec(name) ?? [];
  if (experiment === undefined || wanted === undefined)
    throw new UserError(`'${name}' names no run: expected NAME@RUN, such as quickstart@17 (see 'lamina runs')`);
  return { experiment, run: findRun(store, experiment, wanted) };
}
