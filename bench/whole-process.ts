// Runs a program from start to end: wall time, peak memory, and what it said.
import { spawn } from 'node:child_process';
import { peakMemory } from './peak-memory.ts';

/** A program, its arguments, where it runs, and for how long at most. */
export interface Command {
  program: string;
  args: readonly string[];
  cwd: string;
  env?: Readonly<Record<string, string>> | undefined;
  limit_s?: number | undefined;
}

/** How a program ended; `code` is null when it was stopped at its limit. */
export interface Ended {
  code: number | null;
  wall_ms: number;
  /** MiB of the process itself, its children not counted. */
  peak: number | undefined;
  output: string;
}

/** Peak memory is a high-water mark, so asking now and then loses only the growth after the last question. */
const memoryEvery_ms = 10;

/** Runs `command` to its end. */
export function runWhole(command: Command): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const { program, args, cwd, env, limit_s } = command;
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let peak: number | undefined;
    const poll = setInterval(() => {
      if (child.pid !== undefined) peak = peakMemory(child.pid) ?? peak;
    }, memoryEvery_ms);
    const limit = limit_s === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), limit_s * 1000);
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(poll);
      clearTimeout(limit);
      resolve({ code, wall_ms: performance.now() - start, peak, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

/** Runs `command`; an Error with its output when it does not end with code 0. */
export async function mustRun(command: Command): Promise<Ended> {
  const ended = await runWhole(command);
  if (ended.code === 0) return ended;
  const line = [command.program, ...command.args].join(' ');
  throw new Error(`'${line}' ended with code ${ended.code}:\n${ended.output.slice(-2000)}`);
}
