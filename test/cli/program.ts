// Starts the command line as a real process in a folder of its own, with lamina's stages or with toys: for what a process alone can show. All else
// is quicker in this one (in-process.ts).
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
export const dist = join(root, 'dist');
export const fixtures = join(import.meta.dirname, 'fixtures');
export const realProgram = join(dist, 'start/lamina.js');
export const toyProgram = join(fixtures, 'toy.mjs');

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** A folder to work in; `remove` deletes it. */
export function workFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'lamina-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts a program; `ended` waits for it. */
export function start(program: string, cwd: string, ...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  return startWith({}, program, cwd, ...args);
}

/** The same with more in its environment. */
export function startWith(
  more: NodeJS.ProcessEnv,
  program: string,
  cwd: string,
  ...args: string[]
): { child: ChildProcess; ended: Promise<Ended> } {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' };
  for (const name of Object.keys(env)) if (/^LAMINA_(STORE|REMOTE)/.test(name)) delete env[name];
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<Ended>((done, failed) => {
    const text = { out: '', err: '' };
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text.out += chunk;
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text.err += chunk;
    });
    child.on('error', failed).on('close', (code) => done({ code, ...text }));
  });
  return { child, ended };
}

/** Runs the toy program to its end. */
export function toyProcess(cwd: string, ...args: string[]): Promise<Ended> {
  return start(toyProgram, cwd, ...args).ended;
}

/** Runs lamina to its end. */
export function laminaProcess(cwd: string, ...args: string[]): Promise<Ended> {
  return start(realProgram, cwd, ...args).ended;
}
