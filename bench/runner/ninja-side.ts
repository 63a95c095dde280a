// The graphs for ninja, the floor: it looks at times of files and keeps nothing but a log.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, mustRun } from '../whole-process.ts';
import { leavesOf, shellLine, type Task } from './shapes.ts';
import type { Runner } from './side.ts';

/** ninja from the environment whose programs are in `bin`. */
export async function ninjaRunner(bin: string): Promise<Runner> {
  const command = (cwd: string, ...args: string[]): Command => ({ program: join(bin, 'ninja'), args, cwd });
  const version = (await mustRun(command(bin, '--version'))).output.trim();
  return {
    name: 'ninja',
    version,
    async open(folder) {
      mkdirSync(join(folder, 'out'), { recursive: true });
      return {
        write: (tasks) => writeFileSync(join(folder, 'build.ninja'), buildNinja(tasks)),
        commands: { run: command(folder, '-j', '2', '--quiet'), dry: command(folder, '-n', '--quiet') },
      };
    },
  };
}

const line = shellLine({ text: '$text', note: '$note', inputs: '$in', output: '$out' });

function buildNinja(tasks: readonly Task[]): string {
  const builds = tasks.map(({ name, reads, text, note }) => {
    const inputs = reads.map((read) => ` out/${read}`).join('');
    return `build out/${name}: task${inputs}\n  text = ${text}\n  note = ${note}\n`;
  });
  const leaves = leavesOf(tasks).map((name) => ` out/${name}`);
  return `rule task\n  command = ${line}\n${builds.join('')}default${leaves.join('')}\n`;
}
