// The stable JSON form of a result, the same for `show --json` and `run --json` (design: the command line).
import type { RunResult } from '../../contract/result.ts';
import type { JsonObject } from '../../util/json.ts';
import { columnsOf } from './columns.ts';

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
 * `{experiment, run, profile, cells: [{<axis>: <value>..., <column beside>: <number>..., metric, value, paper, stderr, n, key}], claims: [{claim, holds, detail}],
 * warnings: [{stage, also?, message, cells}], status, failures: [{stage, cell, units, message, log}]}`.
 */
export function resultJson(
  result: Pick<RunResult, 'experiment' | 'run' | 'profile' | 'cells' | 'claims' | 'warnings'> &
    Parameters<typeof columnsOf>[0],
  { status, failures }: HowItEnded,
): JsonObject {
  const columns = columnsOf(result, ['metric', 'value', 'paper', 'stderr', 'n', 'key']);
  return {
    experiment: result.experiment,
    run: result.run,
    profile: result.profile,
    cells: result.cells.map((_, row) =>
      Object.fromEntries(columns.map(({ name, values }) => [name, values[row] ?? null])),
    ),
    claims: result.claims.map(({ claim, holds, detail }) => ({ claim, holds, detail })),
    warnings: result.warnings.map(({ stage, also, message, cells }) => ({
      ...{ stage, ...(also && { also: [...also] }), message, cells },
    })),
    status,
    failures: failures.map(({ stage, cell, units, message, log }) => ({ stage, cell, units, message, log })),
  };
}
