// The latest runs of one or several experiments, in the order in which they began.
import { runTime } from '../../store/runs/run-names.ts';

/** One run by its name. */
export interface NamedRun {
  experiment: string;
  run: string;
}

/**
 * The last `limit` of all runs, the latest last. Within an experiment the order is the given one, that of the numbers; between experiments
 * the clock is all there is.
 */
export function latestRuns(runs: ReadonlyMap<string, readonly string[]>, limit: number): NamedRun[] {
  const left = new Map([...runs].map(([experiment, names]) => [experiment, [...names]]));
  const found: NamedRun[] = [];
  while (found.length < limit) {
    const heads = [...left].flatMap(([experiment, names]) => {
      const run = names.at(-1);
      return run === undefined ? [] : [{ experiment, run }];
    });
    const [first, ...others] = heads;
    if (first === undefined) break;
    const latest = others.reduce((a, b) => (runTime(b.run) >= runTime(a.run) ? b : a), first);
    left.get(latest.experiment)?.pop();
    found.push(latest);
  }
  return found.reverse();
}
