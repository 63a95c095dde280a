// `--notify`: a command of the user's, told how a run has ended.
import { spawn } from 'node:child_process';

/** What the command is told, in its environment. */
export interface Notice {
  experiment: string;
  run: string;
  /** done, failed, stopped. */
  status: string;
  /** A sentence. */
  text: string;
}

const limit_ms = 60_000;

/** Runs `command` by a shell; returns a sentence where that went wrong, which is no failure of the run. */
export function notify(command: string, { experiment, run, status, text }: Notice): Promise<string | undefined> {
  const told = { LAMINA_EXPERIMENT: experiment, LAMINA_RUN: run, LAMINA_STATUS: status, LAMINA_TEXT: text };
  return new Promise((resolve) => {
    const child = spawn('/bin/sh', ['-c', command], {
      env: { ...process.env, ...told },
      stdio: 'ignore',
      timeout: limit_ms,
      killSignal: 'SIGKILL',
    });
    child.on('error', (error) => resolve(`--notify: ${error.message}`));
    child.on('exit', (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `${signal}, since it took longer than 60 s`;
      resolve(code === 0 ? undefined : `--notify: '${command}' ended with ${how}`);
    });
  });
}
