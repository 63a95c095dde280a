// A store, a log of the work that was really done, and runs of toy plans in real worker processes.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import { LocalExecutor, type LocalOptions } from '../../runner/executor/local.ts';
import type { RunOptions } from '../../runner/run/options.ts';
import { type RunOutcome, succeeded, type UnitOutcome } from '../../runner/run/outcome.ts';
import { runPlan } from '../../runner/run/run-plan.ts';
import type { RunEvent } from '../../runner/survey/events.ts';
import { openFileStore } from '../../store/file-store.ts';
import type { Store } from '../../store/store.ts';
import { emptyFolder } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';

export const workerUrl = new URL('./fixtures/toy-worker.mjs', import.meta.url);

/** Those of the run, and those of its local executor. */
export type ToyOptions = Partial<RunOptions & LocalOptions>;

export interface Toy {
  folder: string;
  store: Store;
  /** The file of the work that was really done. */
  log: string;
  /** All events of all runs. */
  events: RunEvent[];
  run(plan: Plan, options?: ToyOptions): Promise<RunOutcome>;
  /** What was worked on since the last call, as `stage` or `stage unit`. */
  worked(): string[];
}

export async function openToy(folder = join(emptyFolder(), 'store')): Promise<Toy> {
  const log = join(emptyFolder(), 'log');
  const store = await openFileStore(folder, { mode: 'write' });
  const events: RunEvent[] = [];
  return {
    folder,
    store,
    log,
    events,
    run(plan, options) {
      process.env.TOY_LOG = log;
      const executor = new LocalExecutor({ workerUrl, store, jobs: 1, ...options });
      return runPlan(plan, toyRegistry, store, { executor, onEvent: (e) => events.push(e), ...options });
    },
    worked() {
      const lines = readOrEmpty(log).split('\n').slice(0, -1);
      rmSync(log, { force: true });
      return lines.map((line) => line.slice(0, line.lastIndexOf(' ')).trim());
    },
  };
}

/** The statuses of a node's units, by unit name. */
export function statuses(outcome: RunOutcome, node: string): Record<string, string> {
  return Object.fromEntries(unitsOf(outcome, node).map((unit) => [unit.unit, unit.status]));
}

/** The text of the output `out` of each unit of a node. */
export function values(outcome: RunOutcome, node: string): Promise<string[]> {
  const read = unitsOf(outcome, node).map(async ({ unit }) => readFileSync(await pathOf(outcome, node, unit), 'utf8'));
  return Promise.all(read);
}

export function messages(outcome: RunOutcome): string[] {
  return outcome.failures.map((failure) => failure.message);
}

/** The sentences of all warnings so far. */
export function warnings({ events }: Toy): string[] {
  return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
}

/** Where the output `out` of a node (or of one of its units) lies in the store. */
export async function pathOf(outcome: RunOutcome, node: string, unit = ''): Promise<string> {
  const found = unitsOf(outcome, node).find((each) => each.unit === unit);
  if (found === undefined || !succeeded(found)) throw new Error(`${node} ${unit}: ${found?.status}`);
  const opened = await found.outputs.out?.open();
  if (opened === undefined) throw new Error(`${node} ${unit}: no output 'out'`);
  return opened.path;
}

/** Changes one byte of a file in the store, as a disk does that forgets. */
export function rot(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}

function unitsOf(outcome: RunOutcome, node: string): readonly UnitOutcome[] {
  const found = outcome.nodes.get(node);
  if (found === undefined) throw new Error(`no node '${node}'`);
  return found.units;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
