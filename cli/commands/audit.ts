// `lamina audit`: makes a sample of cached units again, beside the store, and says what came out otherwise.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import { type Audited, auditUnit } from '../../runner/audit/audit-unit.ts';
import { type Candidates, candidatesOf, sampleOf } from '../../runner/audit/sample.ts';
import { LocalExecutor } from '../../runner/executor/local.ts';
import { inspectSurvey } from '../../runner/survey/inspect.ts';
import { openFileStore } from '../../store/file-store.ts';
import { openStore } from '../../store/open-store.ts';
import { listExperiments } from '../../store/runs/runs.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { auditJson, auditText } from '../audit/text.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { packageVersion } from '../common/package-version.ts';
import { saying } from '../common/saying.ts';
import { listenForStop } from '../common/stop-signals.ts';
import { findResult } from '../runs/run-files.ts';
import { wantedPlan } from '../runs/run-reference.ts';
import { warningLines } from '../runs/run-text.ts';
import { progressLine } from '../upkeep/progress-line.ts';

export interface AuditFlags extends PlanFlags {
  sample: { count: number } | { share: number };
  sampleSeed: number;
  jobs?: number;
}

/** Exit code 1 where something came out otherwise, or could not be made. The store is only read. */
export async function audit([specs]: [string[]], flags: AuditFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const plans = await plansFor(specs, flags, context);
  const stop = listenForStop(
    () => {},
    () => {},
  );
  const folder = mkdtempSync(join(tmpdir(), 'lamina-audit-'));
  const store = await openStore(flags.store, { mode: 'read', say: saying(context) });
  try {
    const found = await lookAt(plans, store, context);
    const chosen = sampleOf(found.units, flags.sample, flags.sampleSeed);
    const audited = await makeAgain(chosen, { store, folder, stop: stop.signal }, flags, context);
    if (stop.signal.aborted) {
      err.write(`stopped after ${audited.length} of ${chosen.length} units; the store is as it was\n`);
      return exitCodes.stopped;
    }
    const counts = { ...found, seed: flags.sampleSeed, cached: found.units.length };
    if (flags.json) out.write(`${JSON.stringify(auditJson(audited, counts), undefined, 1)}\n`);
    else out.write(auditText(audited, counts, out));
    return audited.every(({ status }) => status === 'same') ? exitCodes.done : exitCodes.failed;
  } finally {
    store.close();
    stop.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A unit of a plan, with what it is to be looked up by. */
type Chosen = Candidates['units'][number] & { experiment: string };

/** The specs that are named, or those of the latest run of each experiment. */
async function plansFor(specs: readonly string[], flags: AuditFlags, context: Context): Promise<Plan[]> {
  const registry = await context.registry();
  const { err } = context.terminal;
  const plans: Plan[] = [];
  for (const text of specs.length > 0 ? specs : latestOfEach(flags.store)) {
    try {
      const { plan, changed } = await wantedPlan(text, flags, registry);
      if (changed !== undefined) err.write(warningLines([changed], err));
      plans.push(plan);
    } catch (error) {
      if (specs.length > 0 || !(error instanceof UserError)) throw error;
      err.write(warningLines([`'${text}' is left out: ${error.message}`], err)); // its spec is gone
    }
  }
  return plans;
}

function latestOfEach(store: string): string[] {
  return listExperiments(store).flatMap((experiment) => {
    try {
      const { result } = findResult(experiment, store, undefined);
      return result === null || result.run === '' ? [] : [`${experiment}@${result.run}`];
    } catch (error) {
      if (error instanceof UserError) return []; // it has no result
      throw error;
    }
  });
}

/** What can be made again of all plans, each key once. */
async function lookAt(
  plans: readonly Plan[],
  store: Store,
  context: Context,
): Promise<Omit<Candidates, 'units'> & { units: Chosen[] }> {
  const registry = await context.registry();
  const units = new Map<string, Chosen>();
  let [timings, unread] = [0, 0];
  for (const plan of plans) {
    const { survey } = await inspectSurvey(plan, registry, store, 'waits');
    const found = await candidatesOf(survey, store);
    timings += found.timings;
    unread += found.unread;
    for (const unit of found.units) {
      if (!units.has(unit.key as string)) units.set(unit.key as string, { ...unit, experiment: plan.experiment });
    }
  }
  return { units: [...units.values()], timings, unread };
}

async function makeAgain(
  chosen: readonly Chosen[],
  { store, folder, stop }: { store: Store; folder: string; stop: AbortSignal },
  flags: AuditFlags,
  context: Context,
): Promise<Audited[]> {
  const line = progressLine(context.terminal.err);
  const scratch = await openFileStore(join(folder, 'store'), { mode: 'write' });
  const executor = new LocalExecutor({ workerUrl: context.worker, store, jobs: flags.jobs });
  stop.addEventListener('abort', () => executor.stop());
  const versions = { lamina: packageVersion() };
  const audited: Audited[] = [];
  const work = chosen.map(async ({ experiment, ...unit }) => {
    const made = await auditUnit(unit, { store, scratch, executor, experiment, versions });
    if (stop.aborted) return;
    audited.push(made);
    line.show(`${audited.length} of ${chosen.length} made again`, audited.length / chosen.length);
  });
  try {
    await Promise.all(work);
  } finally {
    line.clear();
    await executor.close();
    scratch.close();
  }
  return audited.sort((a, b) => (a.key < b.key ? -1 : 1));
}
