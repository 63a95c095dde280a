// Carries out a plan on the store, its control first: a grid whose known numbers do not come out may not spend.
import { existsSync } from 'node:fs';
import type { Plan } from '../../contract/plan.ts';
import { type ControlMiss, checkControl } from '../../report/result/control.ts';
import { metricsOf } from '../../report/result/outcome-metrics.ts';
import { refuseTooLarge } from '../../runner/estimate/memory.ts';
import { LocalExecutor } from '../../runner/executor/local.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import { runPlan } from '../../runner/run/run-plan.ts';
import type { RunEvent } from '../../runner/survey/events.ts';
import type { Survey } from '../../runner/survey/survey.ts';
import { partOfPlan } from '../../spec/plan/part-of-plan.ts';
import { openStore } from '../../store/open-store.ts';
import type { Store } from '../../store/store.ts';
import { StoreWriteError } from '../../store/write-error.ts';
import type { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { checkEngine } from '../common/engine.ts';
import type { RunFlags } from '../common/flags.ts';
import { packageVersion } from '../common/package-version.ts';
import { isOnProcessor } from '../common/plan-request.ts';
import { saying } from '../common/saying.ts';
import { listenForStop } from '../common/stop-signals.ts';
import type { Warnings } from '../common/warnings.ts';
import { startProgress } from '../progress/start.ts';
import { refuseTooFull } from './disk-check.ts';

/** What was carried out. `plan` is the control alone when that failed, and `misses` says where it was off. */
export interface Executed {
  plan: Plan;
  outcome: RunOutcome;
  misses: readonly ControlMiss[];
  /** Lets go of the store: call it when the outcome is kept, for until then nothing else says what the run needs. */
  close(): void;
}

/** Who is told how far it came. */
export interface Listener {
  /** The store is open, and nothing has been looked at; `refusal`: nothing can be written into it. */
  opened(refusal: UserError | undefined): void;
  /** All units of `plan` are known, as far as they can be before anything runs. */
  surveyed?(plan: Plan, survey: Survey): void;
  /** All that could refuse to start has been looked at. */
  began(): void;
  heard?(event: RunEvent): void;
  /** The process is about to end, without waiting for anything. */
  killed(): void;
}

/** Runs what is not cached of `plan`; what stages warn of on the way is said once, and `warnings` knows it then. */
export async function execute(
  plan: Plan,
  flags: RunFlags,
  context: Context,
  listener: Listener,
  warnings: Warnings,
): Promise<Executed> {
  const { store, refusal } = await openForRun(flags.store, saying(context));
  const close = () => store.close();
  try {
    listener.opened(refusal);
    const run = (part: Plan, name?: 'control') =>
      follow(part, store, flags, context, { listener, warnings, refusal }, name);
    const control = flags.control ? controlOf(plan) : undefined;
    if (control === undefined) return { plan, outcome: await run(plan), misses: [], close };
    const first = await run(control, 'control');
    const misses = first.status === 'done' ? await checkControl(control, metricsOf(first)) : [];
    if (first.status !== 'done' || misses.length > 0) return { plan: control, outcome: first, misses, close };
    return { plan, outcome: added(first, await run(plan)), misses, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A store that cannot be written to (`refusal` says why) is opened to read: it may hold all that is asked for. */
async function openForRun(
  folder: string,
  say: (sentence: string) => void,
): Promise<{ store: Store; refusal: UserError | undefined }> {
  try {
    return { store: await openStore(folder, { mode: 'write', say }), refusal: undefined };
  } catch (error) {
    if (!(error instanceof StoreWriteError) || !existsSync(folder)) throw error;
    return { store: await openStore(folder, { mode: 'read' }), refusal: error };
  }
}

/** The control's part of a plan; undefined when there is none, or nothing beside it. */
function controlOf(plan: Plan): Plan | undefined {
  if (plan.control === null) return undefined;
  const part = partOfPlan(plan, (cell) => cell.expected !== null);
  return part.cells.length === 0 || part.nodes.length === plan.nodes.length ? undefined : part;
}

/** What a part of a run goes on with. */
interface Followed {
  listener: Listener;
  warnings: Warnings;
  refusal: UserError | undefined;
}

async function follow(
  plan: Plan,
  store: Store,
  flags: RunFlags,
  context: Context,
  { listener, warnings, refusal }: Followed,
  part?: 'control',
): Promise<RunOutcome> {
  const follower = flags.json ? undefined : startProgress(plan, context.terminal.err, warnings, part);
  const stop = listenForStop(
    () => follower?.say('stopping: running stages save their state first (Ctrl-C again to end at once)'),
    () => {
      listener.killed();
      follower?.stop();
    },
  );
  try {
    return await runPlan(plan, await context.registry(), store, {
      executor: new LocalExecutor({ workerUrl: context.worker, store, jobs: flags.jobs }),
      keepGoing: flags.failFast !== true,
      retries: flags.retries,
      timeout_ms: flags.timeout,
      signal: stop.signal,
      kill: stop.kill,
      refusal,
      checkEngine: (numerics) => checkEngine(numerics, stop.signal),
      gate: async (survey) => {
        await refuseUnfit(survey, store, flags);
        listener.surveyed?.(plan, survey);
      },
      onEvent: (event) => {
        if (event.type === 'planned') listener.began();
        listener.heard?.(event);
        follower?.on(event);
      },
      versions: { lamina: packageVersion(), node: process.versions.node },
    });
  } finally {
    follower?.stop();
    stop.dispose();
  }
}

/** Throws a UserError for what does not fit into memory or onto the disk, as far as that is to be asked. */
async function refuseUnfit(survey: Survey, store: Store, flags: RunFlags): Promise<void> {
  if (flags.memoryCheck && isOnProcessor(flags)) await refuseTooLarge(survey);
  if (flags.diskCheck) await refuseTooFull(survey, store.folder);
}

/** What the control ran was not in the cache when the run began. */
function added(first: RunOutcome, whole: RunOutcome): RunOutcome {
  const { ran, duration_ms } = first.summary;
  const { summary } = whole;
  return {
    ...whole,
    summary: {
      ...summary,
      cached: summary.cached - ran,
      ran: summary.ran + ran,
      duration_ms: summary.duration_ms + duration_ms,
    },
  };
}
