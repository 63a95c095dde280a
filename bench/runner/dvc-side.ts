// The graphs for DVC: a stage for each task, in a repository without git.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, mustRun } from '../whole-process.ts';
import { contentsOf, shellLine, type Task } from './shapes.ts';
import type { Runner } from './side.ts';

/** Nothing that needs a network, and nothing that is done beside the work. */
const settings = { 'core.analytics': 'false', 'core.check_update': 'false' };

/** DVC from the environment whose programs are in `bin`. */
export async function dvcRunner(bin: string): Promise<Runner> {
  const command = (cwd: string, ...args: string[]): Command => ({ program: join(bin, 'dvc'), args, cwd });
  const version = (await mustRun(command(bin, '--version'))).output.trim();
  return {
    name: 'DVC',
    version,
    async open(folder) {
      mkdirSync(join(folder, 'out'), { recursive: true });
      await mustRun(command(folder, 'init', '--no-scm', '--quiet'));
      for (const [name, value] of Object.entries(settings)) await mustRun(command(folder, 'config', name, value));
      return {
        write: (tasks) => writeFileSync(join(folder, 'dvc.yaml'), dvcYaml(tasks)),
        async settle(tasks) {
          for (const [name, text] of contentsOf(tasks)) writeFileSync(join(folder, 'out', name), text);
          await mustRun(command(folder, 'commit', '--force', '--quiet'));
        },
        commands: { run: command(folder, 'repro', '--quiet'), dry: command(folder, 'status', '--quiet') },
      };
    },
  };
}

function dvcYaml(tasks: readonly Task[]): string {
  const stages = tasks.map(({ name, reads, text, note }) => {
    const inputs = reads.map((read) => `out/${read}`);
    const line = shellLine({ text, note, inputs: inputs.join(' '), output: `out/${name}` });
    const deps = inputs.length === 0 ? '' : `    deps: [${inputs.join(', ')}]\n`;
    return `  ${name}:\n    cmd: '${line}'\n${deps}    outs: [out/${name}]\n`;
  });
  return `stages:\n${stages.join('')}`;
}
