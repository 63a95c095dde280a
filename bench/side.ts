// One side of a duel: a process of its own that is told to make so many steps and answers how long they took.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { usageOf } from './process-usage.ts';
import type { Command } from './whole-process.ts';

/** What a side says of one round. */
export interface Round {
  wall_ms: number;
  /** Of all its threads. */
  cpu_ms: number;
  /** The part of it that was spent in the model, where a side tells. */
  model_cpu_ms?: number | undefined;
  /** A number that the other side must come to as well: a loss, a mean. */
  value: number;
}

/** A running side. */
export interface Side {
  /** Versions, by name. */
  versions: Readonly<Record<string, string>>;
  round(steps: number): Promise<Round>;
  /** MiB at its peak. */
  peak(): number | undefined;
  stop(): Promise<void>;
}

/** Starts a side and waits until it is ready. */
export async function startSide(command: Command): Promise<Side> {
  const { program, args, cwd, env } = command;
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const answer = answersOf(child, program);
  const versions = (await answer()) as Record<string, string>;
  return {
    versions,
    async round(steps) {
      child.stdin?.write(`${steps}\n`);
      return (await answer()) as Round;
    },
    peak: () => usageOf(child.pid as number)?.peak,
    async stop() {
      child.stdin?.end();
      await ended;
    },
  };
}

/** Each call gives the next line of JSON that the process writes; an Error once it is gone. */
function answersOf(child: ChildProcess, program: string): () => Promise<unknown> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const failed = once(child, 'error').then(([error]) => {
    throw error;
  });
  failed.catch(() => {});
  return async () => {
    const next = await Promise.race([lines.next(), failed as Promise<never>]);
    if (next.done) throw new Error(`'${program}' ended before its measurements (its message is above)`);
    return JSON.parse(next.value) as unknown;
  };
}
