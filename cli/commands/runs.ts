// `lamina runs`: the runs that the store knows, oldest first.

import { listExperiments, listRuns, loadRun } from '../../store/runs.ts';
import { formatDuration } from '../../util/amounts.ts';
import { isObject, type Json } from '../../util/json.ts';
import { alignColumns } from '../columns.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { StoreFlags } from '../flags.ts';

interface RunLine {
  experiment: string;
  run: string;
  profile: string;
  overrides: readonly string[];
  cells: number;
  /** Cells with a value. */
  measured: number;
  claims: { hold: number; fail: number; undecided: number };
  duration_ms: number;
}

/** Prints one line per run; all experiments without a name. */
export async function runs([name]: [string | undefined], flags: StoreFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const experiments = name === undefined ? listExperiments(flags.store) : [name];
  const lines = experiments.flatMap((experiment) => experimentRuns(flags.store, experiment));
  if (flags.json) out.write(`${JSON.stringify(lines, undefined, 1)}\n`);
  else if (lines.length === 0) err.write(`no runs in '${flags.store}' yet: start one with lamina run SPEC\n`);
  else out.write(`${alignColumns(lines.map(runColumns)).join('\n')}\n`);
  return exitCodes.done;
}

function experimentRuns(store: string, experiment: string): RunLine[] {
  return listRuns(store, experiment).flatMap((run) => {
    const result = loadRun(store, experiment, run, 'result');
    return result === undefined ? [] : [runLine(experiment, run, result)];
  });
}

function runLine(experiment: string, run: string, value: Json): RunLine {
  const result: Record<string, unknown> = isObject(value) ? value : {};
  const cells = listOf(result.cells);
  const claims = listOf(result.claims);
  const verdicts = (holds: boolean | null) => claims.filter((claim) => claim.holds === holds).length;
  const duration = isObject(result.summary) ? Number(result.summary.duration_ms) : 0;
  return {
    experiment,
    run,
    profile: String(result.profile ?? ''),
    overrides: Array.isArray(result.overrides) ? result.overrides.map(String) : [],
    cells: cells.length,
    measured: cells.filter((cell) => typeof cell.value === 'number').length,
    claims: { hold: verdicts(true), fail: verdicts(false), undecided: verdicts(null) },
    duration_ms: duration,
  };
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function runColumns(line: RunLine): string[] {
  const { hold, fail, undecided } = line.claims;
  const claims = [hold > 0 ? `${hold} ✓` : '', fail > 0 ? `${fail} ✗` : '', undecided > 0 ? `${undecided} ?` : ''];
  return [
    `${line.experiment}@${line.run}`,
    line.profile,
    line.measured === line.cells ? `${line.cells} cells` : `${line.measured} of ${line.cells} cells`,
    claims.filter((part) => part !== '').join(' '),
    formatDuration(line.duration_ms),
    line.overrides.join(' '),
  ];
}
