// Calls a program of a batch system: with a limit of time, for these hang when their controller does, and of what it may say.
import { execFile } from 'node:child_process';

export interface Called {
  /** Null when it was ended since it took too long. */
  code: number | null;
  out: string;
  err: string;
}

const usualLimit_ms = 60_000;
const most_bytes = 64 << 20;

/** The exit code of a program that is not there. */
export const notFoundCode = 127;

/** Runs a program to its end; never rejects. `env` is the whole environment. */
export function call(
  program: string,
  words: readonly string[],
  { env = process.env, limit_ms = usualLimit_ms }: { env?: NodeJS.ProcessEnv; limit_ms?: number } = {},
): Promise<Called> {
  return new Promise((resolve) => {
    const options = { env, timeout: limit_ms, killSignal: 'SIGKILL', maxBuffer: most_bytes } as const;
    execFile(program, words, options, (error, out, err) => {
      if (error === null) resolve({ code: 0, out, err });
      else if (error.code === 'ENOENT') resolve({ code: notFoundCode, out, err: `there is no program '${program}'` });
      else resolve({ code: typeof error.code === 'number' ? error.code : null, out, err: err || error.message });
    });
  });
}

/** The last line that a program said, without its own name before it. */
export function lastWords({ out, err }: Called): string {
  const lines = `${out}\n${err}`.split('\n').map((line) => line.trim());
  return (lines.filter((line) => line !== '').at(-1) ?? 'it said nothing').replace(/^\w+: (error: )?/, '');
}
