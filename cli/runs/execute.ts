// Carries out a plan on the store, its control first: a grid whose known numbers do not come out may not spend.
import { existsSync } from 'node:fs';
import type { Plan } from '../../contract/plan.ts';
import { type ControlMiss, checkControl } from '../../report/result/control.ts';
import { metricsOf } from '../../report/result/outcome-metrics.ts';
import { refuseTooLarge } from '../../runner/estimate/memory.ts';
import type { Frozen } from '../../runner/lock/frozen.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import { runPlan } from '../../runner/run/run-plan.ts';
import type { RunEvent } from '../../runner/survey/events.ts';
import type { Survey } from '../../runner/survey/survey.ts';
import { partOfPlan } from '../../spec/plan/part-of-plan.ts';
import { openStore } from '../../store/open-store.ts';
import type { SharedStore } from '../../store/remote/shared-store.ts';
import type { LocalStore, Store } from '../../store/store.ts';
import { StoreWriteError } from '../../store/write-error.ts';
import type { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { checkEngine } from '../common/engine.ts';
import type { RunFlags } from '../common/flags.ts';
import { packageVersion } from '../common/package-version.ts';
import { isOnProcessor } from '../common/plan-request.ts';
import { sharedBehind } from '../common/remote.ts';
import { saying } from '../common/saying.ts';
import { listenForStop } from '../common/stop-signals.ts';
import type { Warnings } from '../common/warnings.ts';
import type { Follower } from '../progress/follow.ts';
import { startProgress } from '../progress/start.ts';
import { refuseTooFull } from './disk-check.ts';
import { type Place, placeOf } from './executor.ts';
import { settle } from './settle.ts';

/** What was carried out. `plan` is the control alone when that failed, and `misses` says where it was off. */
export interface Executed {
  plan: Plan;
  outcome: RunOutcome;
  misses: readonly ControlMiss[];
  /** Writes the run and its logs to the shared store, where there is one and this is not to stop: call it when all of it is kept. Throws UserError where that is required and fails. */
  share(run: string): Promise<void>;
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

/** Runs what is not cached of `plan`, and nothing that `frozen` does not hold; what stages warn of on the way is said once, and `warnings` knows it then. */
export async function execute(
  plan: Plan,
  flags: RunFlags,
  context: Context,
  listener: Listener,
  warnings: Warnings,
  frozen?: Frozen,
): Promise<Executed> {
  const place = await placeOf(flags, context);
  const voice = new Voice(context);
  const halt = new AbortController();
  const { store: local, refusal } = await openForRun(flags.store, voice.say);
  const close = () => local.close();
  try {
    const shared = await sharedBehind(local, flags, voice.say, halt.signal);
    await shared?.resume();
    const followed = { listener, warnings, refusal, frozen, place, shared, voice, halt };
    listener.opened(refusal);
    const run = (part: Plan, name?: 'control') => follow(part, shared ?? local, flags, context, followed, name);
    const control = flags.control ? controlOf(plan) : undefined;
    const executed = (done: Plan, outcome: RunOutcome, misses: readonly ControlMiss[]): Executed => {
      const share = async (name: string) => {
        await shared?.shareRun(plan.experiment, name, keysOf(outcome));
      };
      return { plan: done, outcome, misses, share, close };
    };
    if (control === undefined) return executed(plan, await run(plan), []);
    const first = await run(control, 'control');
    const misses = first.status === 'done' ? await checkControl(control, metricsOf(control, first)) : [];
    if (first.status !== 'done' || misses.length > 0) return executed(control, first, misses);
    return executed(plan, added(first, await run(plan)), misses);
  } catch (error) {
    close();
    throw error;
  }
}

/** The keys of all units that came so far as to have one. */
function keysOf({ nodes }: RunOutcome): string[] {
  return [...nodes.values()].flatMap(({ units }) => units.flatMap(({ key }) => key ?? []));
}

/** A store that cannot be written to (`refusal` says why) is opened to read: it may hold all that is asked for. */
async function openForRun(
  folder: string,
  say: (sentence: string) => void,
): Promise<{ store: LocalStore; refusal: UserError | undefined }> {
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
  frozen: Frozen | undefined;
  place: Place;
  shared: SharedStore | undefined;
  voice: Voice;
  /** Aborted when the run is to stop: what is on its way to or from the shared store is left. */
  halt: AbortController;
}

/** Says what stores have to say among the lines of a run's progress, while that is shown. */
class Voice {
  readonly #plain: (sentence: string) => void;
  readonly #mark: string;
  line: ((text: string) => void) | undefined;

  constructor(context: Context) {
    this.#plain = saying(context);
    this.#mark = context.terminal.err.paint.warn('!');
  }

  readonly say = (sentence: string): void => {
    if (this.line === undefined) this.#plain(sentence);
    else this.line(`${this.#mark} ${sentence}`);
  };
}

async function follow(
  plan: Plan,
  store: Store,
  flags: RunFlags,
  context: Context,
  { listener, warnings, refusal, frozen, place, shared, voice, halt }: Followed,
  part?: 'control',
): Promise<RunOutcome> {
  const follower = flags.json ? undefined : await startProgress(plan, context.terminal.err, warnings, part);
  const stop = listenForStop(
    () => follower?.say('stopping: running stages save their state first (Ctrl-C again to end at once)'),
    () => {
      listener.killed();
      follower?.stop();
    },
    place.isLocal ? undefined : () => leave(plan, listener, follower, context),
  );
  stop.signal.addEventListener('abort', () => halt.abort(stop.signal.reason));
  if (follower !== undefined) voice.line = (text) => follower.say(text);
  try {
    const outcome = await runPlan(plan, await context.registry(), store, {
      executor: place.open(store, (sentence) => follower?.say(sentence)),
      keepGoing: flags.failFast !== true,
      retries: flags.retries,
      timeout_ms: flags.timeout,
      signal: stop.signal,
      kill: stop.kill,
      refusal,
      checkEngine: place.isLocal ? (numerics) => checkEngine(numerics, stop.signal) : undefined,
      gate: async (survey) => {
        await frozen?.check(survey);
        await refuseUnfit(survey, store, flags, place);
        listener.surveyed?.(plan, survey);
      },
      ...(frozen && { pins: frozen.pins(), refuses: (unit) => frozen.refusal(unit) }),
      onEvent: (event) => {
        if (event.type === 'planned') listener.began();
        listener.heard?.(event);
        follower?.on(event);
      },
      versions: { lamina: packageVersion(), node: process.versions.node },
    });
    voice.line = undefined;
    follower?.stop();
    const say = (text: string) => flags.json || context.terminal.err.write(`${text}\n`);
    if (shared !== undefined) await settle(shared, flags, say, voice.say);
    return outcome;
  } finally {
    voice.line = undefined;
    follower?.stop();
    stop.dispose();
  }
}

/** The terminal is gone, or the machine wants this process to end: what a batch system has goes on without it. */
function leave({ experiment }: Plan, listener: Listener, follower: Follower | undefined, { terminal }: Context): void {
  listener.killed();
  follower?.stop();
  terminal.err.write(`left: the jobs of '${experiment}' go on, and the same command waits for them again\n`);
}

/** Throws a UserError for what does not fit into memory or onto the disk, as far as that is to be asked. */
async function refuseUnfit(survey: Survey, store: Store, flags: RunFlags, { isLocal }: Place): Promise<void> {
  if (isLocal && flags.memoryCheck && isOnProcessor(flags)) await refuseTooLarge(survey);
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
