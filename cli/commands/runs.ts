// `lamina runs`: the runs that the store knows, oldest first, and how each of them ended.
import { expectedNames } from '../../located/nearest.ts';
import { listExperiments, lookForExperiments, lookForRuns } from '../../store/runs/runs.ts';
import { formatDuration } from '../../util/amounts.ts';
import { printable } from '../../util/printable.ts';
import { alignColumns } from '../common/columns.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import { orSay, type RunInfo, runInfo } from '../runs/run-info.ts';
import { statusText } from '../runs/run-info-text.ts';

/** Prints one line per run; all experiments without a name. Damaged files are told on standard error, and take nothing else away. */
export async function runs([name]: [string | undefined], flags: StoreFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const problems: string[] = [];
  const infos = experimentsOf(name, flags.store, problems).flatMap((experiment) => {
    const found = orSay(() => lookForRuns(flags.store, experiment), problems);
    problems.push(...(found?.strays ?? []));
    return (found?.names ?? []).map((run) => runInfo(flags.store, experiment, run));
  });
  problems.push(...infos.flatMap(({ damaged }) => damaged));
  err.write(problems.map((problem) => `${err.paint.warn('!')} ${problem}\n`).join(''));
  if (flags.json) out.write(`${JSON.stringify(infos.map(runJson), undefined, 1)}\n`);
  else if (infos.length === 0) err.write(`${noRuns(name, flags.store)}\n`);
  else out.write(`${alignColumns(infos.map(runColumns)).map(printable).join('\n')}\n`);
  return exitCodes.done;
}

function experimentsOf(name: string | undefined, store: string, problems: string[]): readonly string[] {
  if (name !== undefined) return [name];
  const { names, strays } = lookForExperiments(store);
  problems.push(...strays);
  return names;
}

function noRuns(name: string | undefined, store: string): string {
  const known = listExperiments(store);
  if (name === undefined || known.length === 0) return `no runs in '${store}' yet: start one with lamina run SPEC`;
  return `there is no run of '${name}' in '${store}'${expectedNames(name, known, 'which holds no others')}`;
}

function runJson({ process, troubles, ...info }: RunInfo) {
  const failures = info.failures.map(({ stage, cell, units, message, log }) => ({ stage, cell, units, message, log }));
  return { ...info, failures, troubles, host: process?.host ?? null, pid: process?.pid ?? null };
}

function runColumns(info: RunInfo): string[] {
  const { hold, fail, undecided } = info.claims;
  const claims = [hold > 0 ? `${hold} ✓` : '', fail > 0 ? `${fail} ✗` : '', undecided > 0 ? `${undecided} ?` : ''];
  return [
    `${info.experiment}@${info.run}`,
    statusText(info),
    info.profile,
    cellsText(info),
    claims.filter((part) => part !== '').join(' '),
    info.duration_ms === null ? '' : formatDuration(info.duration_ms),
    info.overrides.join(' '),
  ];
}

/** Without a result the units say how far it came. */
function cellsText({ cells, measured, units, finished, status }: RunInfo): string {
  if (status === 'stopped') return units === 0 ? '' : `${finished} of ${units} units`;
  if (status !== 'done' && status !== 'failed') return '';
  return measured === cells ? `${cells} cells` : `${measured} of ${cells} cells`;
}
