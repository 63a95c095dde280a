// `lamina run`: runs what is not cached, keeps the result, prints the table and the claims.
import { collectResult } from '../../report/collect.ts';
import { metricsOf } from '../../report/outcome-metrics.ts';
import { resultJson } from '../../report/render-json.ts';
import { outcomeJson, type RunOutcome } from '../../runner/outcome.ts';
import { runPlan } from '../../runner/run-plan.ts';
import type { Plan } from '../../spec/plan.ts';
import type { RunResult } from '../../spec/result.ts';
import type { Json } from '../../spec/stage.ts';
import { openFileStore } from '../../store/file-store.ts';
import { saveRun } from '../../store/runs.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { RunFlags } from '../flags.ts';
import { packageVersion } from '../package-version.ts';
import { planOf } from '../plan-request.ts';
import { resultText } from '../print-result.ts';
import { startProgress } from '../progress/start.ts';
import { newRunName, writeOutcome } from '../run-files.ts';
import { failureLines, farewellLine, stoppedText, summaryLine } from '../run-text.ts';
import { shortPath } from '../spec-name.ts';
import { listenForStop } from '../stop-signals.ts';
import type { Output } from '../terminal.ts';

/** Exit code 0 when every stage ran and every claim holds, 1 when not, 130 when stopped. */
export async function run([spec]: [string], flags: RunFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const plan = await planOf(spec, flags, await context.registry());
  const name = newRunName(flags.store, plan.experiment, new Date());
  const outcome = await execute(plan, flags, context);
  keepOrSay(() => saveRun(flags.store, plan.experiment, name, 'outcome', outcomeJson(outcome)), err);
  if (outcome.status === 'cancelled') {
    err.write(stoppedText(outcome, flags.store, context.argv, err));
    return exitCodes.stopped;
  }
  const facts = { run: name, spec: shortPath(plan.file), summary: outcome.summary };
  const result = await collectResult(plan, facts, metricsOf(outcome));
  if (!flags.json) err.write(`${summaryLine(outcome, err)}\n`);
  err.write(failureLines(outcome, err));
  if (flags.json) out.write(`${JSON.stringify(resultJson(result), undefined, 1)}\n`);
  else out.write(`\n${resultText(result, out)}`);
  const kept = keepOrSay(() => keep(result, flags, isPlainRun(plan, flags) && isComplete(result)), err);
  if (!flags.json && kept !== undefined) err.write(`${farewellLine(result, kept, spec, err)}\n`);
  const failed = outcome.status === 'failed' || result.claims.some((claim) => claim.holds === false);
  return failed || kept === undefined ? exitCodes.failed : exitCodes.done;
}

async function execute(plan: Plan, flags: RunFlags, context: Context): Promise<RunOutcome> {
  const { err } = context.terminal;
  const store = await openFileStore(flags.store, { mode: 'write' });
  const follower = flags.json ? undefined : startProgress(plan, err);
  const stop = listenForStop(
    () => follower?.say('stopping: running stages save their state first (Ctrl-C again to end at once)'),
    () => follower?.stop(),
  );
  try {
    return await runPlan(plan, await context.registry(), store, {
      workerUrl: context.worker,
      jobs: flags.jobs,
      signal: stop.signal,
      kill: stop.kill,
      onEvent: (event) => follower?.on(event),
      versions: { lamina: packageVersion(), node: process.versions.node },
    });
  } finally {
    follower?.stop();
    stop.dispose();
    store.close();
  }
}

/** A disk that is full now must not take away the table, which is printed already. */
function keepOrSay(keep: () => string, { write, paint }: Output): string | undefined {
  try {
    return keep();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    write(`${paint.bad('error')}  ${error.message}\n`);
    return undefined;
  }
}

/** Keeps the record of the run, and the outcome that is committed; returns where a reader should look. */
function keep(result: RunResult, flags: RunFlags, whole: boolean): string {
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
