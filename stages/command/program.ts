// Runs a command's program by way of its keeper: its output goes to the log of the attempt, and its end becomes a sentence.
import { type ChildProcess, fork, type StdioOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../util/errors.ts';
import type { CommandEnd, FromKeeper, KeeperOrder, ToKeeper } from './keeper.ts';

const keeperFile = fileURLToPath(new URL('./keeper.js', import.meta.url));
/** As much of its output as is kept for the last lines. */
const tailBytes = 1 << 14;
const lastLines = 10;

/** The keeper of this worker while it has nothing to do: a start of Node takes longer than many commands. */
let idle: ChildProcess | undefined;

/** Resolves when the program has ended well. Throws UserError for every other end; an abort stops it, and throws the signal's reason. */
export async function runProgram(order: KeeperOrder, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const keeper = takeKeeper();
  const send = (message: ToKeeper) => keeper.send(message, () => {}); // a failed send is followed by its end
  const stop = () => send({ stop: true });
  signal.addEventListener('abort', stop);
  try {
    const ended = heard(keeper);
    send({ run: order });
    const { end, lines } = await ended;
    signal.throwIfAborted();
    idle = keeper;
    refuse(order.program, end, lines);
  } finally {
    signal.removeEventListener('abort', stop);
    for (const event of ['message', 'disconnect', 'error']) keeper.removeAllListeners(event);
    keeper.on('error', () => {});
    if (idle === keeper) hold(keeper, false);
    else keeper.kill('SIGKILL');
  }
}

/** The one that waits, or a new one: a worker runs one command at a time. */
function takeKeeper(): ChildProcess {
  const waiting = idle;
  idle = undefined;
  if (waiting?.connected) {
    hold(waiting, true);
    return waiting;
  }
  const stdio: StdioOptions = ['ignore', 'ignore', 'inherit', 'ipc'];
  return fork(keeperFile, [], { stdio, execArgv: [], serialization: 'advanced' });
}

/** One that waits does not keep the worker from ending. */
function hold(keeper: ChildProcess, isBusy: boolean): void {
  if (isBusy) {
    keeper.ref();
    keeper.channel?.ref();
  } else {
    keeper.unref();
    keeper.channel?.unref();
  }
}

/** Passes on what a command prints, until the keeper says how it ended; its last message comes before the channel closes. */
function heard(keeper: ChildProcess): Promise<{ end: CommandEnd; lines: string[] }> {
  let tail: Uint8Array = new Uint8Array();
  return new Promise((resolve) => {
    const finish = (end: CommandEnd) => resolve({ end, lines: linesOf(Buffer.from(tail).toString()) });
    keeper.on('message', (message: FromKeeper) => {
      if ('end' in message) {
        finish(message.end);
        return;
      }
      process[message.from].write(message.chunk);
      tail = Buffer.concat([tail, message.chunk]).subarray(-tailBytes);
    });
    keeper.on('disconnect', () => finish({ error: '', message: 'the process that watches over it was killed' }));
    keeper.on('error', (error) => finish({ error: '', message: error.message }));
  });
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-lastLines);
}

/** Throws unless the program ended with 0. */
function refuse(program: string, end: CommandEnd, lines: readonly string[]): void {
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
