// The Python environment of the peers: one that is named, one made earlier, or one that is made now.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, workFolder } from './place.ts';
import { runWhole } from './whole-process.ts';

/** Names an environment that has the packages of bench/requirements.txt. */
const variable = 'LAMINA_BENCH_VENV';

/** The folder of programs of a Python environment, or why there is none. */
export type Python = { bin: string } | { missing: string };

/** Finds or makes the environment; `say` is told before something is downloaded. */
export async function findPython(say: (line: string) => void): Promise<Python> {
  const named = process.env[variable];
  if (named !== undefined) return usable(join(named, 'bin'), `${variable} names '${named}', which`);
  const folder = join(root, '.bench', 'venv');
  if (!existsSync(join(folder, 'done'))) {
    const problem = await makeEnvironment(folder, say);
    if (problem !== undefined) return { missing: problem };
  }
  return usable(join(folder, 'bin'), `'${folder}' (delete it to make it anew)`);
}

async function makeEnvironment(folder: string, say: (line: string) => void): Promise<string | undefined> {
  say(`making a Python environment with PyTorch, lm_eval and DVC in '${folder}' (or name one with ${variable})`);
  workFolder();
  const pip = join(folder, 'bin', 'python');
  const steps = [
    { program: 'python3', args: ['-m', 'venv', folder] },
    { program: pip, args: ['-m', 'pip', 'install', '--quiet', '-r', join(root, 'bench', 'requirements.txt')] },
    { program: pip, args: ['-c', `open(${JSON.stringify(join(folder, 'done'))}, 'w')`] },
  ];
  for (const step of steps) {
    const ended = await runWhole({ ...step, cwd: root }).catch((error: Error) => ({ code: -1, output: error.message }));
    if (ended.code !== 0) return `no Python environment: ${ended.output.trim().split('\n').at(-1)}`;
  }
  return undefined;
}

async function usable(bin: string, what: string): Promise<Python> {
  const args = ['-c', 'import torch, numpy, safetensors, lm_eval, dvc'];
  const ended = await runWhole({ program: join(bin, 'python'), args, cwd: root }).catch(() => undefined);
  if (ended === undefined) return { missing: `${what} has no bin/python` };
  return ended.code === 0 ? { bin } : { missing: `${what} lacks a package: ${ended.output.trim().split('\n').at(-1)}` };
}
