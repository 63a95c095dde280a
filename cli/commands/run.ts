// `lamina run`: runs what is not cached, keeps the result, prints the table and the claims.
import type { Plan } from '../../contract/plan.ts';
import type { RunResult } from '../../contract/result.ts';
import type { JsonObject } from '../../contract/stage.ts';
import { resultJson } from '../../report/table/json.ts';
import type { Frozen } from '../../runner/lock/frozen.ts';
import { outcomeJson } from '../../runner/run/outcome.ts';
import type { RunEvent } from '../../runner/survey/events.ts';
import { isAllThere, type Survey } from '../../runner/survey/survey.ts';
import { checkLabels, type RunLabels } from '../../store/runs/run-labels.ts';
import { UserError } from '../../util/errors.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { RunFlags } from '../common/flags.ts';
import { planOf } from '../common/plan-request.ts';
import { engineRemarks } from '../common/remarks.ts';
import { planCommand, shortPath } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';
import { Warnings } from '../common/warnings.ts';
import { frozenFor } from '../lock/frozen-for.ts';
import { resultText } from '../result/print-result.ts';
import { writeOutcome } from '../result/write-outcome.ts';
import { resultOf } from '../runs/cached-run.ts';
import { type Executed, execute } from '../runs/execute.ts';
import { keepPlan } from '../runs/kept-plan.ts';
import { endOf, KeptRun } from '../runs/kept-run.ts';
import { LiveProgress } from '../runs/live-progress.ts';
import { notify } from '../runs/notify.ts';
import {
  controlLines,
  controlTroubles,
  failureLines,
  farewellLine,
  missingNumbers,
  stoppedText,
  summaryLine,
  troubleLines,
  warningLines,
} from '../runs/run-text.ts';

/**
 * Runs the specs one after the other, all of them checked before the first. Exit code 0 when every stage ran, every
 * cell has its number and every claim holds, 1 when not, 130 when stopped.
 */
export async function run([specs]: [string[]], flags: RunFlags, context: Context): Promise<number> {
  labelsOf(flags); // a name that cannot be one is told first
  const registry = await context.registry();
  const plans: Plan[] = [];
  for (const spec of specs) plans.push(await planOf(spec, flags, registry));
  const locks = await Promise.all(plans.map((plan, i) => frozenFor(plan, specs[i] as string, flags, context)));
  context.terminal.err.write(warningLines(engineRemarks(flags), context.terminal.err));
  let code: number = exitCodes.done;
  for (const [i, plan] of plans.entries()) {
    if (i > 0 && !flags.json) context.terminal.err.write('\n');
    const own = await runOne(
      { spec: specs[i] as string, wanted: plan, titled: plans.length > 1, frozen: locks[i] },
      flags,
      context,
    );
    if (own === exitCodes.stopped) return own;
    code = Math.max(code, own);
  }
  return code;
}

/** A spec that is to be run. */
interface Wanted {
  spec: string;
  wanted: Plan;
  /** The title stands above the table, since it is one of several. */
  titled: boolean;
  /** What it is held to. */
  frozen: Frozen | undefined;
}

async function runOne(asked: Wanted, flags: RunFlags, context: Context): Promise<number> {
  const { wanted, frozen } = asked;
  let kept: KeptRun | undefined;
  const registry = await context.registry();
  const live = new LiveProgress(async (state) => kept?.live(state));
  const listener = {
    opened: (refusal: UserError | undefined) => {
      kept = new KeptRun(flags.store, wanted, labelsOf(flags), refusal);
    },
    surveyed: (plan: Plan, survey: Survey) => {
      // whoever watches the run wants to know what it is going to do; without that it runs as well
      if (kept !== undefined && !isAllThere(survey)) ignoringErrors(() => keepPlan(kept as KeptRun, plan, registry));
      live.surveyed(survey);
    },
    began: () => kept?.began(),
    heard: (event: RunEvent) => live.hear(event),
    killed: () => kept?.killed(),
  };
  try {
    const warnings = new Warnings(wanted);
    const executed = await execute(wanted, flags, context, listener, warnings, frozen);
    live.close();
    try {
      const run = kept as KeptRun;
      const told = await tell({ ...asked, warnings, run }, executed, flags, context);
      const code = (await shareOrSay(run, executed, context)) ? told : Math.max(told, exitCodes.failed);
      await tellOthers(wanted, run.name, endings[code] ?? 'failed', flags, context);
      return code;
    } finally {
      executed.close();
    }
  } catch (error) {
    kept?.broke(error);
    await tellOthers(wanted, kept?.name ?? '', 'failed', flags, context);
    throw error;
  } finally {
    live.close();
  }
}

const endings: Readonly<Record<number, string>> = { [exitCodes.done]: 'done', [exitCodes.stopped]: 'stopped' };

/** Who has asked to be told of the end; a run does not fail for them. */
async function tellOthers(
  { experiment }: Plan,
  run: string,
  status: string,
  { notify: command }: RunFlags,
  { terminal: { err } }: Context,
): Promise<void> {
  const text = `lamina: '${experiment}' ${status === 'done' ? 'is done' : status === 'stopped' ? 'was stopped' : 'has failed'}`;
  const problem = command === undefined ? undefined : await notify(command, { experiment, run, status, text });
  if (problem !== undefined) err.write(`${err.paint.warn('!')} ${problem}\n`);
}

/** A run that is under way. */
interface Asked extends Wanted {
  warnings: Warnings;
  run: KeptRun;
}

/** Prints and keeps what came of a run. */
async function tell(
  { spec, wanted, titled, warnings, run, frozen }: Asked,
  { plan, outcome, misses }: Executed,
  flags: RunFlags,
  context: Context,
): Promise<number> {
  const { out, err } = context.terminal;
  // a store that is gone is told of once
  if (outcome.failures.some(({ reason }) => reason === 'store-gone')) run.forget();
  await keepOrSay(() => run.save('outcome', outcomeJson(outcome)), err);
  if (outcome.status === 'cancelled') {
    await keepOrSay(() => run.end(endOf(outcome, undefined, [])), err);
    err.write(stoppedText(outcome, flags.store, context.argv, err));
    return exitCodes.stopped;
  }
  const result = await resultOf(plan, outcome, run.name);
  if (!flags.json) {
    err.write(warningLines(warnings.rest(result.warnings), err));
    err.write(`${summaryLine(outcome, err)}\n`);
  }
  const drift = frozen?.drift(result.cells) ?? [];
  const missing = [...missingNumbers(result), ...drift];
  err.write(failureLines(outcome, err) + troubleLines(missing, err));
  const end = endOf(outcome, result, [...missing, ...controlTroubles(misses)]);
  if (flags.json) out.write(`${JSON.stringify(resultJson(result, end), undefined, 1)}\n`);
  else out.write(`\n${titled ? `${out.paint.strong(result.title)}\n\n` : ''}${resultText(result, out)}`);
  err.write(controlLines(misses, wanted, err));
  const isWhole = plan === wanted && isPlainRun(plan, flags) && isComplete(result) && drift.length === 0;
  const registry = await context.registry();
  const record = await keepOrSay(() => {
    keepPlan(run, plan, registry, outcome);
    const file = run.save('result', result as unknown as JsonObject);
    run.end(end);
    return file === undefined ? '' : shortPath(file);
  }, err);
  const place = record !== undefined && isWhole ? await keepOrSay(() => writeOutcome(result), err) : record;
  if (run.problem !== undefined) err.write(`${err.paint.warn('!')} ${run.problem}\n`);
  const why = (cell: string) => planCommand('why', spec, { ...flags, only: [] }, cell);
  if (!flags.json && place !== undefined) err.write(`${farewellLine(result, place, why, err)}\n`);
  const claimFails = result.claims.some((claim) => claim.holds === false);
  return end.status === 'failed' || claimFails || place === undefined ? exitCodes.failed : exitCodes.done;
}

/** Writes what is kept of the run to the shared store; false where that is required and fails. */
async function shareOrSay({ name }: KeptRun, executed: Executed, { terminal }: Context): Promise<boolean> {
  const share = async () => {
    if (name !== '') await executed.share(name);
    return true;
  };
  return (await keepOrSay(share, terminal.err)) ?? false;
}

/** A disk that is full now must not take away the table, which is printed already. */
async function keepOrSay<T>(keep: () => T | Promise<T>, { write, paint }: Output): Promise<T | undefined> {
  try {
    return await keep();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    write(`${paint.bad('error')}  ${error.message}\n`);
    return undefined;
  }
}

/** What people call the run. Throws UserError. */
function labelsOf({ name, tag, note = '' }: RunFlags): RunLabels {
  return checkLabels({ name: name ?? null, tags: tag, note });
}

/** Only the spec as it is written makes the outcome that is committed. */
function isPlainRun(plan: Plan, flags: RunFlags): boolean {
  const { seed, backend, provider, precision, threads, force } = flags;
  const changed = [seed, backend, provider, precision, threads].some((value) => value !== undefined);
  return plan.overrides.length === 0 && force.length === 0 && !changed;
}

function isComplete(result: RunResult): boolean {
  return result.cells.length > 0 && result.cells.every((cell) => cell.value !== null);
}
