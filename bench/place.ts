// Where the benchmark finds the project and keeps what it makes.
import { mkdirSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';
import { join, resolve } from 'node:path';

/** The project's folder, two above the compiled files of this one. */
export const root = resolve(import.meta.dirname, '../..');

/** The program as users start it. */
export const program = join(root, 'dist/start/lamina.js');

/** The same program from all the files that it was compiled to. */
export const compiledProgram = join(root, 'dist/cli/start.js');

/** A folder for downloads and scratch that git ignores; made when first asked for. */
export function workFolder(...names: string[]): string {
  const folder = join(root, '.bench', ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The machine's class, without its name: `2 cores of Intel(R) Xeon(R) Processor, 24 GiB, linux x64`. */
export function machineClass(): string {
  const model = cpus()[0]?.model.trim() ?? 'an unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores of ${model}, ${memory} GiB, ${platform()} ${process.arch}`;
}

/** Processes that wanted to run in the last minute, on average. */
export function load(): string {
  return (loadavg()[0] as number).toFixed(1);
}
