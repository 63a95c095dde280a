// Runs in a world of its own: file systems that are small, read-only or become so, and another host's name.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import { emptyFolder } from '../store/drafts.ts';

/** util-linux: runs a program where it may mount file systems that nobody else sees. */
const namespaced = 'unshare';

export const toyRun = join(import.meta.dirname, 'fixtures', 'toy-run.mjs');

/** Whether this machine lets an ordinary user mount a small file system of his own; said when it does not. */
export function canMount(): boolean {
  try {
    inNamespace('mount -t tmpfs -o size=1m none /mnt', []);
    return true;
  } catch {
    console.warn('skipped: full and read-only file systems, because unshare cannot mount here');
    return false;
  }
}

/** What `script` prints, a script of a shell that may mount; `args` are its $1, $2, ... */
export function inNamespace(script: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  return execFileSync(namespaced, ['-rm', 'sh', '-c', script, 'sh', ...args], { encoding: 'utf8', env });
}

/** Runs `script` with $1 a fresh tmpfs, $2 node, $3 the program that runs a plan, $4 the plan. */
export function inMount(options: string, script: string, toyPlan: Plan): { stdout: string } {
  const mount = `mount -t tmpfs -o ${options} none "$1" && ${script}`;
  return { stdout: inNamespace(mount, [emptyFolder(), process.execPath, toyRun, planFile(toyPlan)]) };
}

/** Writes a plan where a process of its own can read it. */
export function planFile(toyPlan: Plan): string {
  const file = join(emptyFolder(), 'plan.json');
  writeFileSync(file, JSON.stringify(toyPlan));
  return file;
}
