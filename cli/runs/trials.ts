// Trials: runs with flags that make another plan than the spec says.
import type { RunResult } from '../../contract/result.ts';
import type { RunInfo } from './run-info.ts';

/** True for a run with `--set`, `--only` or `--seed`: it is not the one that an experiment's name alone means. */
export function isTrial({ overrides }: Pick<RunInfo | RunResult, 'overrides'>): boolean {
  return overrides.length > 0;
}

/** That later trials were passed over, in a sentence; undefined when there are none. `runs`: the latest first. */
export function trialsSentence(runs: readonly RunInfo[]): string | undefined {
  const [latest] = runs;
  if (latest === undefined) return undefined;
  const which = runs.length === 1 ? 'a later trial' : `${runs.length} later trials, the last of them`;
  return `passed over: ${which} (${latest.experiment}@${latest.run}: ${latest.overrides.join(' ')})`;
}
