// Runs of toy plans as processes of their own, which can be watched, stopped and waited for.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import type { RunEvent } from '../../runner/survey/events.ts';
import type { LeaseTimes } from '../../store/lease.ts';
import { emptyFolder } from '../store/drafts.ts';
import { planFile, toyRun } from './mounts.ts';

/** How a run ended: its outcome as JSON, where it printed one, and what else it said. */
export interface EndedRun {
  code: number | null;
  outcome:
    | { status: string; summary: Record<string, number>; failures: { message: string; reason: string }[] }
    | undefined;
  err: string;
}

export interface RunProcess {
  child: ChildProcess;
  events: RunEvent[];
  ended: Promise<EndedRun>;
  /** Waits until an event of this type has come; the run must not end before. */
  saw(type: RunEvent['type'], count?: number): Promise<void>;
}

export interface ProcessOptions {
  jobs?: number;
  times?: LeaseTimes;
  /** Words before the program: `unshare ...`. */
  within?: readonly string[];
  log?: string;
  /** A batch system carries the attempts out: the environment by which it is found; TOY_COMMANDS says that it is one of commands. */
  slurm?: NodeJS.ProcessEnv;
  /** The address of a shared store behind the one in the folder. */
  remote?: string;
}

/** Starts a run of `toyPlan` on the store in `folder`. It leads a process group of its own, which does not outlive the test. */
export function startRun(folder: string, toyPlan: Plan, options: ProcessOptions = {}): RunProcess {
  const { jobs = 1, times, within = [], slurm, remote, log = join(emptyFolder(), 'log') } = options;
  const own = {
    ...slurm,
    ...(slurm && { TOY_SLURM: '1' }),
    ...(remote && { TOY_REMOTE: remote }),
    TOY_EVENTS: '1',
    TOY_LOG: log,
    ...(times && { TOY_LEASES: JSON.stringify(times) }),
  };
  const [program = '', ...words] = [...within, process.execPath, toyRun, folder, planFile(toyPlan), String(jobs)];
  const child = spawn(program, words, { detached: true, env: { ...process.env, ...own } });
  onTestFinished(() => killGroup(child));
  const text = { out: '', err: '' };
  const events: RunEvent[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.out += chunk;
  });
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('{"type"')) events.push(JSON.parse(line) as RunEvent);
      else text.err += `${line}\n`;
    }
  });
  let isOver = false;
  const ended = new Promise<EndedRun>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      isOver = true;
      const outcome = text.out === '' ? undefined : (JSON.parse(text.out) as NonNullable<EndedRun['outcome']>);
      resolve({ code, outcome, err: text.err + rest });
    });
  });
  const saw = async (type: RunEvent['type'], count = 1) => {
    const has = () => events.filter((event) => event.type === type).length >= count;
    while (!has() && !isOver) await sleep(5);
    if (!has()) throw new Error(`the run ended without '${type}': ${text.err}`);
  };
  return { child, events, ended, saw };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), 'SIGKILL');
  } catch {
    // it has ended, as it should
  }
}
