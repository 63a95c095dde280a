// The program of the process between a worker and its commands: it runs one command at a time, each in a process group of its own, and lets
// nothing of that group outlive the command, an order to stop, or the worker.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** What to run. */
export interface KeeperOrder {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

export type ToKeeper = { readonly run: KeeperOrder } | { readonly stop: true };

/** How a command ended; `error` where it could not be started, by the system's code. */
export type CommandEnd =
  | { readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly error: string; readonly message: string };

/** What it printed comes in its order, and before its end. */
export type FromKeeper =
  | { readonly from: 'stdout' | 'stderr'; readonly chunk: Uint8Array }
  | { readonly end: CommandEnd };

/** From the polite signal to the other one; the runner itself waits for twice as long. */
const grace_ms = 5000;
/** Somebody may have left the group and still hold the pipes: after the end they are waited for this long. */
const drain_ms = 2000;

let child: ChildProcess | undefined;

process.on('message', (message: ToKeeper) => ('run' in message ? run(message.run) : stop()));
process.on('disconnect', () => {
  signal('SIGKILL');
  process.exit(1);
});
// Ctrl-C reaches the whole group of the terminal: what to do about it is decided by the runner
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});

function run({ program, arguments: given, folder, env }: KeeperOrder): void {
  const started = spawn(program, given, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  child = started;
  pass('stdout', started.stdout);
  pass('stderr', started.stderr);
  started.on('error', (error: NodeJS.ErrnoException) => leave({ error: error.code ?? '', message: error.message }));
  started.on('exit', (code, by) => {
    signal('SIGKILL'); // what it left running in the background
    const end = () => leave({ code, signal: by });
    const late = setTimeout(() => {
      started.removeListener('close', end);
      for (const stream of [started.stdout, started.stderr]) stream.destroy();
      end();
    }, drain_ms);
    started.once('close', () => clearTimeout(late)).once('close', end);
  });
}

/** Reads on only when what it read has been sent: a program that prints faster than it is heard has to wait. */
function pass(from: 'stdout' | 'stderr', stream: Readable): void {
  stream.on('data', (chunk: Buffer) => {
    stream.pause();
    send({ from, chunk }, () => stream.resume());
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

/** Its number is forgotten: the system may give it to somebody else. */
function leave(end: CommandEnd): void {
  child = undefined;
  send({ end });
}

function send(message: FromKeeper, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent);
}
