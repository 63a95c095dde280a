// Every run that a store knows.
import { listExperiments, listRuns } from '../../store/runs/runs.ts';
import type { NamedRun } from './latest-runs.ts';

/** All runs of a store, within an experiment the oldest first. */
export function allRuns(store: string): NamedRun[] {
  return listExperiments(store).flatMap((experiment) =>
    listRuns(store, experiment).map((run) => ({ experiment, run })),
  );
}
