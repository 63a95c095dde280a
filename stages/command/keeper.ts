// The program of the process between a worker and a command: it runs the command in a process group of its own, and lets nothing of that group
// outlive the command, an order to stop, or the worker.
import { type ChildProcess, spawn } from 'node:child_process';

/** What to run. */
export interface KeeperOrder {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

export type ToKeeper = { readonly run: KeeperOrder } | { readonly stop: true };

/** How it ended; `error` where it could not be started, by the system's code. */
export type FromKeeper =
  | { readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly error: string; readonly message: string };

/** From the polite signal to the other one; the runner itself waits for twice as long. */
const grace_ms = 5000;

let child: ChildProcess | undefined;

process.on('message', (message: ToKeeper) => ('run' in message ? run(message.run) : stop()));
process.on('disconnect', () => {
  signal('SIGKILL');
  process.exit(1);
});
// Ctrl-C reaches the whole group of the terminal: what to do about it is decided by the runner
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});

function run({ program, arguments: given, folder, env }: KeeperOrder): void {
  child = spawn(program, given, { cwd: folder, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  child.on('error', (error: NodeJS.ErrnoException) => leave({ error: error.code ?? '', message: error.message }));
  child.on('exit', (code, by) => {
    signal('SIGKILL'); // what it left running in the background
    leave({ code, signal: by });
  });
}

function stop(): void {
  signal('SIGTERM');
  setTimeout(() => signal('SIGKILL'), grace_ms).unref();
}

function signal(name: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // the group is gone
  }
}

function leave(end: FromKeeper): void {
  process.send?.(end, undefined, undefined, () => process.exit(0));
}
