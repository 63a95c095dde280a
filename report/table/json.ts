// The stable JSON form of a result, the same for `show --json` and `run --json` (design: the command line).
import type { RunResult } from '../../contract/result.ts';
import type { JsonObject } from '../../util/json.ts';

/** How the run ended: `done`, `failed`, `stopped`, `died`, `running` or `unknown`, and what failed in it. */
export interface HowItEnded {
  status: string;
  failures: readonly {
    stage: string;
    cell: string;
    units: readonly string[];
    message: string;
    log: string | null;
  }[];
}

/**
 * `{experiment, run, profile, cells: [{<axis>: <value>..., metric, value, paper, n, key}], claims: [{claim, holds, detail}],
 * warnings: [{stage, also?, message, cells}], status, failures: [{stage, cell, units, message, log}]}`.
 */
export function resultJson(
  result: Pick<RunResult, 'experiment' | 'run' | 'profile' | 'cells' | 'claims' | 'warnings'>,
  { status, failures }: HowItEnded,
): JsonObject {
  return {
    experiment: result.experiment,
    run: result.run,
    profile: result.profile,
    cells: result.cells.map(({ axes, metric, value, paper, n, key }) => ({ ...axes, metric, value, paper, n, key })),
    claims: result.claims.map(({ claim, holds, detail }) => ({ claim, holds, detail })),
    warnings: result.warnings.map(({ stage, also, message, cells }) => ({
      ...{ stage, ...(also && { also: [...also] }), message, cells },
    })),
    status,
    failures: failures.map(({ stage, cell, units, message, log }) => ({ stage, cell, units, message, log })),
  };
}
