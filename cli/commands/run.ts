// `lamina run`: runs what is not cached, keeps the result, prints the table and the claims.
import { collectResult } from '../../report/collect.ts';
import { metricsOf } from '../../report/outcome-metrics.ts';
import { provenanceOf, timingsOf } from '../../report/provenance.ts';
import { resultJson } from '../../report/render-json.ts';
import { warningsOf } from '../../report/warnings.ts';
import { outcomeJson } from '../../runner/outcome.ts';
import type { Plan } from '../../spec/plan.ts';
import type { RunResult } from '../../spec/result.ts';
import type { Json } from '../../spec/stage.ts';
import { saveRun } from '../../store/runs.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { execute } from '../execute.ts';
import { exitCodes } from '../exit-codes.ts';
import type { RunFlags } from '../flags.ts';
import { keepPlan } from '../kept-plan.ts';
import { planOf } from '../plan-request.ts';
import { resultText } from '../print-result.ts';
import { newRunName, writeOutcome } from '../run-files.ts';
import {
  controlLines,
  failureLines,
  farewellLine,
  missingNumberLines,
  stoppedText,
  summaryLine,
  warningLines,
} from '../run-text.ts';
import { planCommand, shortPath } from '../spec-name.ts';
import type { Output } from '../terminal.ts';
import { Warnings } from '../warnings.ts';

/**
 * Runs the specs one after the other, all of them checked before the first. Exit code 0 when every stage ran, every
 * cell has its number and every claim holds, 1 when not, 130 when stopped.
 */
export async function run([specs]: [string[]], flags: RunFlags, context: Context): Promise<number> {
  const registry = await context.registry();
  const plans: Plan[] = [];
  for (const spec of specs) plans.push(await planOf(spec, flags, registry));
  let code: number = exitCodes.done;
  for (const [i, plan] of plans.entries()) {
    if (i > 0 && !flags.json) context.terminal.err.write('\n');
    const own = await runOne(specs[i] as string, plan, plans.length > 1, flags, context);
    if (own === exitCodes.stopped) return own;
    code = Math.max(code, own);
  }
  return code;
}

/** `titled`: the title stands above the table, since it is one of several. */
async function runOne(spec: string, wanted: Plan, titled: boolean, flags: RunFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const name = newRunName(flags.store, wanted.experiment, new Date());
  const warnings = new Warnings(wanted);
  const { plan, outcome, misses } = await execute(wanted, flags, context, warnings);
  await keepOrSay(() => saveRun(flags.store, plan.experiment, name, 'outcome', outcomeJson(outcome)), err);
  if (outcome.status === 'cancelled') {
    err.write(stoppedText(outcome, flags.store, context.argv, err));
    return exitCodes.stopped;
  }
  const made = {
    provenance: provenanceOf(plan, outcome),
    timings: timingsOf(plan, outcome),
    warnings: warningsOf(plan, outcome),
  };
  const facts = { run: name, spec: shortPath(plan.file), summary: outcome.summary, ...made };
  const result = await collectResult(plan, facts, metricsOf(outcome));
  if (!flags.json) {
    err.write(warningLines(warnings.rest(result.warnings), err));
    err.write(`${summaryLine(outcome, err)}\n`);
  }
  const missing = missingNumberLines(result, err);
  err.write(failureLines(outcome, err) + missing);
  if (flags.json) out.write(`${JSON.stringify(resultJson(result), undefined, 1)}\n`);
  else out.write(`\n${titled ? `${out.paint.strong(result.title)}\n\n` : ''}${resultText(result, out)}`);
  err.write(controlLines(misses, wanted, err));
  const isWhole = plan === wanted && isPlainRun(plan, flags) && isComplete(result);
  const kept = await keepOrSay(() => {
    keepPlan(flags.store, name, plan, registry, outcome);
    return keep(result, flags, isWhole);
  }, err);
  const why = (cell: string) => planCommand('why', spec, { ...flags, only: [] }, cell);
  if (!flags.json && kept !== undefined) err.write(`${farewellLine(result, kept, why, err)}\n`);
  const failed = outcome.status === 'failed' || missing !== '' || result.claims.some((claim) => claim.holds === false);
  return failed || misses.length > 0 || kept === undefined ? exitCodes.failed : exitCodes.done;
}

/** A disk that is full now must not take away the table, which is printed already. */
async function keepOrSay(keep: () => string | Promise<string>, { write, paint }: Output): Promise<string | undefined> {
  try {
    return await keep();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    write(`${paint.bad('error')}  ${error.message}\n`);
    return undefined;
  }
}

/** Keeps the record of the run, and the outcome that is committed; returns where a reader should look. */
async function keep(result: RunResult, flags: RunFlags, whole: boolean): Promise<string> {
  const record = saveRun(flags.store, result.experiment, result.run, 'result', result as unknown as Json);
  return whole ? writeOutcome(result) : shortPath(record);
}

/** Only the spec as it is written makes the outcome that is committed. */
function isPlainRun(plan: Plan, flags: RunFlags): boolean {
  const { seed, backend, provider, threads, force } = flags;
  const changed = [seed, backend, provider, threads].some((value) => value !== undefined);
  return plan.overrides.length === 0 && force.length === 0 && !changed;
}

function isComplete(result: RunResult): boolean {
  return result.cells.length > 0 && result.cells.every((cell) => cell.value !== null);
}
