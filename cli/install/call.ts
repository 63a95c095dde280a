// Runs the programs of an installation: what they write goes to a log, and an abort ends them with all that they have started.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { UserError } from '../../util/errors.ts';
import { endOf } from '../../util/last-words.ts';

/** As much of what a program writes as is looked at. */
const mostWords = 100_000;

export interface CallOptions {
  /** Everything that it writes is added to this file. */
  readonly log: string;
  readonly signal: AbortSignal;
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs it to its end; what it wrote to standard output. Throws UserError where it fails, the abort's reason once it is gone. */
export async function call(
  [program, ...given]: readonly [string, ...string[]],
  { log, signal, env }: CallOptions,
): Promise<string> {
  signal.throwIfAborted();
  appendFileSync(log, `$ ${[program, ...given].join(' ')}\n`);
  // a group of its own, so that all of it can be ended
  const child = spawn(program, given, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...env },
  });
  const words = { out: '', all: '' };
  const hear = (chunk: Buffer) => {
    words.all = `${words.all}${chunk}`.slice(-mostWords);
    appendFileSync(log, chunk);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    words.out = `${words.out}${chunk}`.slice(-mostWords);
    hear(chunk);
  });
  child.stderr.on('data', hear);
  const end = () => endGroup(child.pid);
  signal.addEventListener('abort', end);
  try {
    const how = await new Promise<string | undefined>((resolve) => {
      child.on('error', (error) => resolve(`could not be started: ${error.message}`));
      child.on('close', (code, ended) => resolve(code === 0 ? undefined : endOf(code, ended, words.all)));
    });
    signal.throwIfAborted();
    if (how !== undefined) throw new UserError(`'${program}' ${how}; all that it wrote is in '${log}'`);
    return words.out;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL'); // every step may be begun again at any point
  } catch {
    // it is gone
  }
}
