// Runs a program from start to end: wall time, processor time, peak memory, and what it said.
import { spawn } from 'node:child_process';
import { type Usage, usageOf } from './process-usage.ts';

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
  /** Of the process itself; undefined where the system does not tell. */
  usage: Usage | undefined;
  output: string;
}

/** Usage only grows, so asking now and then loses only what came after the last question. */
const usageEvery_ms = 10;

/** Runs `command` to its end. */
export function runWhole(command: Command): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const { program, args, cwd, env, limit_s } = command;
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let usage: Usage | undefined;
    const poll = setInterval(() => {
      if (child.pid !== undefined) usage = usageOf(child.pid) ?? usage;
    }, usageEvery_ms);
    const limit = limit_s === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), limit_s * 1000);
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const stopWatching = () => {
      clearInterval(poll);
      clearTimeout(limit);
    };
    child.on('error', (error) => {
      stopWatching();
      reject(error);
    });
    child.on('close', (code) => {
      stopWatching();
      resolve({ code, wall_ms: performance.now() - start, usage, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

/** Runs `command`; an Error with its output when it does not end with code 0. */
export async function mustRun(command: Command): Promise<Ended> {
  const ended = await runWhole(command);
  refuseFailed(command, ended);
  return ended;
}

/** Throws an Error with the output of a command that did not end with code 0. */
export function refuseFailed({ program, args }: Command, { code, output }: Ended): void {
  if (code !== 0) throw new Error(`'${[program, ...args].join(' ')}' ended with code ${code}:\n${output.slice(-2000)}`);
}
