// The stable JSON form of a result, the same for `show --json` and `run --json` (design: the command line).
import type { RunResult } from '../spec/result.ts';
import type { JsonObject } from '../util/json.ts';

/** `{experiment, run, profile, cells: [{<axis>: <value>..., metric, value, paper, n, key}], claims: [{claim, holds, detail}], warnings: [{stage, message, cells}]}`. */
export function resultJson(result: RunResult): JsonObject {
  return {
    experiment: result.experiment,
    run: result.run,
    profile: result.profile,
    cells: result.cells.map(({ axes, metric, value, paper, n, key }) => ({ ...axes, metric, value, paper, n, key })),
    claims: result.claims.map(({ claim, holds, detail }) => ({ claim, holds, detail })),
    warnings: result.warnings.map(({ stage, message, cells }) => ({ stage, message, cells })),
  };
}
