// What happens during a run, as data: whoever listens turns it into text. The runner itself never prints.
import type { RunSummary } from '../../contract/result.ts';
import type { Progress } from '../../contract/stage.ts';
import type { NodeWarning } from '../../spec/plan/warnings.ts';

/** A unit of work as people know it: the stage's name in the pipeline, its cell, and the unit ('' without units). */
export interface UnitName {
  /** The plan node's id. */
  node: string;
  stage: string;
  cell: string;
  unit: string;
}

/** Why something failed. `message` is a whole sentence that names stage, cell and unit. */
export interface Failure extends UnitName {
  /** The units that it stopped: several where they shared an attempt; `unit` is then ''. */
  units: readonly string[];
  reason: FailureReason;
  message: string;
  /** The error's stack when the reason is a bug. */
  stack: string | null;
  /** The file with the attempt's output, where there is some. */
  log: string | null;
  /** The last lines of it. */
  last_lines: readonly string[];
}

export type FailureReason =
  | 'user-error'
  | 'bug'
  | 'worker-died'
  | 'timeout'
  | 'memory'
  | 'output-missing'
  | 'no-space'
  | 'store-error'
  | 'store-gone'
  | 'remote-failed'
  | 'source-changed';

export interface UnitCounts {
  hit: number;
  run: number;
  depends: number;
}

export type RunEvent =
  /** Before the first attempt, and again when a stage's units have become known. */
  | { type: 'planned'; counts: UnitCounts }
  /** `where`: who carries it out, as its executor calls it. */
  | ({ type: 'unit-started'; where: string } & UnitName)
  | ({ type: 'progress'; report: Progress } & UnitName)
  /** It was begun in vain: an input has to be made again first, or another runner took it over. */
  | ({ type: 'unit-put-off' } & UnitName)
  /** What was put off begins now: all units are counted anew. */
  | { type: 'resumed' }
  /** Another runner works on it; this one waits and reuses. */
  | ({ type: 'waiting' } & UnitName)
  | ({ type: 'unit-finished'; status: 'cached' | 'ran' | 'reused'; key: string; duration_ms: number } & UnitName)
  | { type: 'failed'; failure: Failure }
  /** An attempt failed and is made once more: the `retry`-th time of `retries`. `message` is the failure's sentence. */
  | ({ type: 'retried'; retry: number; retries: number; message: string } & UnitName)
  /** Not tried because `by` (a node's id) failed or was stopped. */
  | ({ type: 'blocked'; by: string } & UnitName)
  /** What stages warn of: all that is known before the first attempt (`whole`), then each as it is said. */
  | { type: 'warned'; whole: boolean; warnings: readonly NodeWarning[] }
  | ({ type: 'warning'; reason: 'damaged' | 'nondeterminism'; message: string } & UnitName)
  | { type: 'finished'; status: 'done' | 'failed' | 'cancelled'; summary: RunSummary };

/** `stage 'warm' (type=T_next, unit '3→4')`: how every sentence names a unit. */
export function describeUnit({ stage, cell, unit }: Omit<UnitName, 'node'>): string {
  const parts = [cell, unit === '' ? '' : `unit '${unit}'`].filter((part) => part !== '');
  return parts.length === 0 ? `stage '${stage}'` : `stage '${stage}' (${parts.join(', ')})`;
}
