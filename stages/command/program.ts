// Runs a command's program by way of its keeper: its output goes to the log of the attempt, and its end becomes a sentence.
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../util/errors.ts';
import type { FromKeeper, KeeperOrder, ToKeeper } from './keeper.ts';

const keeper = fileURLToPath(new URL('./keeper.js', import.meta.url));
/** As much of its output as is kept for the last lines. */
const tailBytes = 1 << 14;
const lastLines = 10;
/** Somebody may have left the group and still hold the pipes: after the end they are waited for this long. */
const drain_ms = 2000;

/** Resolves when the program has ended well. Throws UserError for every other end; an abort stops it, and throws the signal's reason. */
export async function runProgram(order: KeeperOrder, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const child = fork(keeper, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
  const tail = new Tail(child);
  const send = (message: ToKeeper) => child.send(message, () => {}); // a failed send is followed by its end
  const stop = () => send({ stop: true });
  signal.addEventListener('abort', stop);
  try {
    send({ run: order });
    const end = await endOf(child);
    await Promise.race([tail.closed, sleep(drain_ms, undefined, { ref: false })]);
    signal.throwIfAborted();
    refuse(order.program, end, tail.lines());
  } finally {
    signal.removeEventListener('abort', stop);
    child.kill('SIGKILL');
  }
}

/** What the keeper says of the end; its last message comes before the channel closes, whenever the process itself ends. */
function endOf(child: ChildProcess): Promise<FromKeeper> {
  return new Promise((resolve) => {
    child.on('message', (message) => resolve(message as FromKeeper));
    child.on('disconnect', () => resolve({ error: '', message: 'the process that watches over it was killed' }));
    child.on('error', (error) => resolve({ error: '', message: error.message }));
  });
}

/** Throws unless the program ended with 0. */
function refuse(program: string, end: FromKeeper, lines: readonly string[]): void {
  if ('error' in end) throw new UserError(startText(program, end));
  if (end.code === 0) return;
  const how = end.signal === null ? `ended with exit code ${end.code}` : signalText(end.signal);
  throw new UserError(
    [
      `the program '${program}' ${how}${lines.length === 0 ? ' without a word' : ', and said at last what stands below'}`,
      ...lines.map((line) => `    ${line}`),
    ].join('\n'),
  );
}

function startText(program: string, { error, message }: { error: string; message: string }): string {
  if (error === 'ENOENT') {
    const where = program.includes('/') ? "among 'files' or at that path" : 'on PATH';
    return `there is no program '${program}' ${where}: install it, or name it with its path`;
  }
  if (error === 'EACCES')
    return `the program '${program}' may not be run: give it its permission (chmod +x), or name what runs it`;
  return `the program '${program}' could not be started: ${message}`;
}

function signalText(signal: NodeJS.Signals): string {
  return signal === 'SIGKILL' ? 'was killed (SIGKILL), most likely because memory ran out' : `crashed (${signal})`;
}

/** Passes the output of a process on and remembers its end. */
class Tail {
  readonly closed: Promise<unknown>;
  #text = '';

  constructor({ stdout, stderr }: ChildProcess) {
    const pass = (from: NodeJS.ReadableStream | null, to: NodeJS.WritableStream) =>
      new Promise((resolve) => {
        from?.on('close', resolve).on('data', (chunk: Buffer) => {
          to.write(chunk);
          this.#text = `${this.#text}${chunk}`.slice(-tailBytes);
        });
      });
    this.closed = Promise.all([pass(stdout, process.stdout), pass(stderr, process.stderr)]);
  }

  lines(): string[] {
    return this.#text
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
      .slice(-lastLines);
  }
}
