// Runs one job inside the worker: builds the stage's context, watches that every output is written, names failures.
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { withPorts } from '../../contract/registry.ts';
import type { Facts, Progress, StageDefinition, StageRegistry, UnitWork } from '../../contract/stage.ts';
import { sentence } from '../../spec/plan/warnings.ts';
import type { Observed } from '../../store/record.ts';
import { noSpaceCodes } from '../../store/write-error.ts';
import { hasCode, isUserError } from '../../util/errors.ts';
import { machineError } from '../../util/system-error.ts';
import type { FromWorker, Job, JobUnit, WorkerFailure } from '../attempt/protocol.ts';
import { DamagedInputs, readInputs } from './inputs.ts';
import { observe } from './observed.ts';
import { MissingOutput, nameOutput } from './output.ts';
import { tracing } from './trace.ts';

const progressEvery_ms = 100;

/** Tells whoever ordered the job; the stage goes on after a unit when that has been taken in. */
type Send = (message: FromWorker) => void | Promise<void>;

/** Runs the job to its end; the failure, if any, as data. */
export async function runJob(
  job: Job,
  registry: StageRegistry,
  signal: AbortSignal,
  send: Send,
): Promise<WorkerFailure | null> {
  try {
    await runStage(job, await definitionFor(job, registry), signal, send);
    return null;
  } catch (error) {
    // An abort that arrived during the last step may still wait in the channel.
    await nextTurn();
    return describeFailure(error, signal);
  }
}

async function definitionFor({ use, module, params }: Job, registry: StageRegistry): Promise<StageDefinition> {
  const definition = module === undefined ? registry.get(use) : await ownStage(module);
  if (definition === undefined) throw new Error(`the worker has no stage '${use}'`);
  return withPorts(definition, params);
}

/** What loads it checks schemas, which no other work needs. */
async function ownStage(module: string): Promise<StageDefinition> {
  return (await import('../../spec/own/load-stage.ts')).loadStage(module);
}

async function runStage(job: Job, definition: StageDefinition, signal: AbortSignal, send: Send): Promise<void> {
  const finished = new Set<string>();
  const said: Said[] = [];
  const { params, seed, numerics, inputs } = job;
  const observed = observe(definition.numeric ? numerics : undefined);
  const units = job.units.map((each) => unitWork(each, definition, { finished, said, observed }, job.id, send));
  const tell = throttled((report) => send({ type: 'progress', id: job.id, report }));
  const note = tracing(job.units);
  const progress = (report: Progress) => {
    note(report);
    tell(report);
  };
  const warn = (text: string, unit?: string) => {
    const message = sentence(text);
    said.push({ message, unit });
    send({ type: 'warning', id: job.id, message });
  };
  send({ type: 'inputs-read', id: job.id, read: await readInputs(job.artifacts, signal) });
  const run = await definition.run();
  await run({ params, seed, numerics, inputs, units, progress, warn, signal });
  const open = job.units.find(({ unit }) => !finished.has(unit));
  if (open !== undefined) throw new MissingOutput(`it returned without calling done for unit '${open.unit}'`);
}

/** A warning, and the unit that it is about; all that are not done where none is named. */
interface Said {
  message: string;
  unit: string | undefined;
}

function unitWork(
  job: JobUnit,
  definition: StageDefinition,
  { finished, said, observed }: { finished: Set<string>; said: readonly Said[]; observed: Observed },
  id: string,
  send: Send,
): UnitWork {
  const { unit, params, outputs, scratch } = job;
  const done = async (facts: Facts = {}) => {
    if (finished.has(unit)) throw new Error(`done was called twice for unit '${unit}'`);
    finished.add(unit);
    const named = Object.entries(definition.outputs).flatMap(([name, { optional }]) => {
      const path = outputs[name] as string;
      return optional && !existsSync(path) ? [] : [nameOutput(name, path).then((ref) => [name, ref] as const)];
    });
    await Promise.allSettled(named); // of several that are missing, the first is told
    const entries = await Promise.all(named);
    const own = said.filter((each) => (each.unit ?? unit) === unit).map(({ message }) => message);
    const warnings = [...new Set(own)];
    const peak_rss_bytes = process.resourceUsage().maxRSS * 1024;
    const made = { outputs: Object.fromEntries(entries), facts, warnings, observed, peak_rss_bytes };
    await send({ type: 'unit-done', id, unit, ...made });
  };
  return { name: unit, params, outputs, scratch, done };
}

/** Lets a report of each unit through every so often, and always the last one. */
function throttled(report: (progress: Progress) => void): (progress: Progress) => void {
  const sent = new Map<string, number>();
  return (progress) => {
    const unit = progress.unit ?? '';
    const now = performance.now();
    if (progress.done < progress.total && now - (sent.get(unit) ?? -Infinity) < progressEvery_ms) return;
    sent.set(unit, now);
    report(progress);
  };
}

function describeFailure(error: unknown, signal: AbortSignal): WorkerFailure {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? null) : null;
  if (signal.aborted) return { reason: 'cancelled', message, stack: null };
  if (isNoSpace(error)) return { reason: 'no-space', message, stack: null };
  if (error instanceof DamagedInputs) return { reason: 'input-damaged', message, stack: null, damaged: error.damaged };
  if (error instanceof MissingOutput) return { reason: 'output-missing', message, stack: null };
  if (isUserError(error)) return { reason: 'user-error', message, stack: null };
  const refusal = machineError(error);
  if (refusal !== undefined) return { reason: 'user-error', message: refusal.message, stack: null };
  console.error(stack ?? message); // goes to the attempt's log
  return { reason: 'bug', message, stack };
}

/** Also true for a user's error that a full disk caused, as the writers of file formats throw it. */
function isNoSpace(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return noSpaceCodes.some((code) => hasCode(error, code) || hasCode(cause, code));
}
