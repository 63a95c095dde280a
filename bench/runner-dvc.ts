// The same grid for DVC: one foreach stage, each item a command that writes one small file.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, mustRun } from './whole-process.ts';

/** A DVC repository without git, in a folder of its own. */
export interface DvcGrid {
  /** `dvc ARGS` in the repository. */
  command(...args: string[]): Command;
}

/** Nothing that needs a network, and nothing that is done beside the work. */
const settings = { 'core.analytics': 'false', 'core.check_update': 'false' };

/** Makes the repository in `folder` anew; nothing has run in it. */
export async function makeDvcGrid(bin: string, folder: string, stages: number): Promise<DvcGrid> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'out'), { recursive: true });
  const command = (...args: string[]): Command => ({ program: join(bin, 'dvc'), args, cwd: folder });
  await mustRun(command('init', '--no-scm', '--quiet'));
  for (const [name, value] of Object.entries(settings)) await mustRun(command('config', name, value));
  writeFileSync(join(folder, 'dvc.yaml'), dvcYaml(stages));
  return { command };
}

/** Writes what the commands would write and has DVC take it as done: its own cold run takes long. */
export async function makeWarm(grid: DvcGrid, stages: number): Promise<void> {
  const { cwd } = grid.command();
  for (let i = 0; i < stages; i++) writeFileSync(join(cwd, 'out', String(i)), `${i}\n`);
  await mustRun(grid.command('commit', '--force', '--quiet'));
}

function dvcYaml(stages: number): string {
  return `stages:
  cell:
    foreach: [${[...Array(stages).keys()].join(', ')}]
    do:
      cmd: echo \${item} > out/\${item}
      outs: ["out/\${item}"]
`;
}
