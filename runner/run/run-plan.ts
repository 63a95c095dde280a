// Runs a plan: surveys the store, lets everything flow, and says what came of it.
import type { Plan } from '../../contract/plan.ts';
import type { RunSummary } from '../../contract/result.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import type { Store } from '../../store/store.ts';
import { engineNeeded } from '../survey/engine-needed.ts';
import type { Failure, RunEvent } from '../survey/events.ts';
import { isAllThere, type Survey } from '../survey/survey.ts';
import { type RunOptions, usualGrace_ms } from './options.ts';
import { type NodeOutcome, type RunOutcome, succeeded, type UnitOutcome } from './outcome.ts';
import { Passes } from './passes.ts';

/**
 * Runs what is not in the store. Failures are in the outcome; throws UserError only for a plan that cannot start. The executor is this run's
 * own, and closed at its end.
 */
export async function runPlan(
  plan: Plan,
  registry: StageRegistry,
  store: Store,
  options: RunOptions,
): Promise<RunOutcome> {
  try {
    return await runAll(plan, registry, store, options);
  } finally {
    await options.executor.close();
  }
}

async function runAll(plan: Plan, registry: StageRegistry, store: Store, options: RunOptions): Promise<RunOutcome> {
  const began_ms = performance.now();
  const emit = (event: RunEvent) => options.onEvent?.(event);
  const passes = new Passes(plan, registry, store, options, emit);
  let survey: Survey;
  try {
    survey = await passes.survey();
    // A source that is missing is said now, not by its stage after hours of other work.
    for (const state of survey.nodes) await survey.sources(state);
    if (options.refusal !== undefined && !isAllThere(survey)) throw options.refusal;
    await survey.preflight();
    const engine = engineNeeded(survey.nodes);
    if (engine !== undefined) await options.checkEngine?.(engine);
    await options.gate?.(survey);
  } catch (error) {
    if (!options.signal?.aborted) throw error;
    const summary = summaryOf([], Math.round(performance.now() - began_ms));
    emit({ type: 'finished', status: 'cancelled', summary });
    return { status: 'cancelled', nodes: new Map(), failures: [], summary };
  }
  const warnings = survey.warnings();
  if (warnings.length > 0) emit({ type: 'warned', whole: true, warnings });
  const unlisten = listen(options);
  try {
    let flow = await passes.flow(survey, options.executor);
    while (flow.isStale) {
      const again = await passes.survey().catch(unlessStopped(options.signal));
      if (again === undefined) break;
      survey = again;
      emit({ type: 'resumed' });
      flow = await passes.flow(survey, options.executor);
    }
    const outcome = outcomeOf(survey, flow.units, options.signal?.aborted ?? false, performance.now() - began_ms);
    emit({ type: 'finished', status: outcome.status, summary: outcome.summary });
    return outcome;
  } finally {
    unlisten();
  }
}

/** An error that the user's stop caused is none. */
function unlessStopped(signal: AbortSignal | undefined): (error: unknown) => undefined {
  return (error) => {
    if (!signal?.aborted) throw error;
  };
}

/** Passes the two stop signals on to the executor; call the result when the run is over. */
function listen({ executor, signal, kill, grace_ms = usualGrace_ms }: RunOptions): () => void {
  let timer: NodeJS.Timeout | undefined;
  const onStop = () => {
    executor.takeBack();
    timer = setTimeout(() => executor.stop(), grace_ms);
  };
  const onKill = () => executor.stop();
  signal?.addEventListener('abort', onStop);
  kill?.addEventListener('abort', onKill);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onStop);
    kill?.removeEventListener('abort', onKill);
  };
}

function outcomeOf(
  survey: Survey,
  units: readonly UnitOutcome[][],
  cancelled: boolean,
  duration_ms: number,
): RunOutcome {
  const nodes = new Map<string, NodeOutcome>();
  survey.nodes.forEach((state, i) => {
    const { id, stage, use, cell } = state.node;
    nodes.set(id, { node: id, stage, use, cell, warnings: survey.warningsOf(state), units: units[i] as UnitOutcome[] });
  });
  const all = units.flat();
  const failures = new Set<Failure>(all.flatMap((unit) => (unit.status === 'failed' ? [unit.failure] : [])));
  const unfinished = all.some((unit) => !succeeded(unit));
  const status = cancelled && unfinished ? 'cancelled' : unfinished ? 'failed' : 'done';
  return { status, nodes, failures: [...failures], summary: summaryOf(all, Math.round(duration_ms)) };
}

function summaryOf(units: readonly UnitOutcome[], duration_ms: number): RunSummary {
  const count = (...statuses: UnitOutcome['status'][]) => units.filter((unit) => statuses.includes(unit.status)).length;
  return {
    cached: count('cached', 'reused'),
    ran: count('ran'),
    failed: count('failed'),
    blocked: count('blocked', 'cancelled'),
    duration_ms,
  };
}
