// The Python environment of the peers: one that is named, one made earlier, or one that is made now.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, workFolder } from './place.ts';
import { runWhole } from './whole-process.ts';

/** Names an environment that has the packages of bench/requirements.txt. */
const variable = 'LAMINA_BENCH_VENV';

/** The folder of programs of a Python environment, or why there is none. */
export type Python = { bin: string } | { missing: string };

/** What uses Python, and the modules that it needs: packages of the same names, at the versions of bench/requirements.txt. */
const modules = {
  PyTorch: ['torch', 'numpy', 'safetensors'],
  transformers: ['torch', 'numpy', 'safetensors', 'transformers'],
  lm_eval: ['torch', 'numpy', 'safetensors', 'transformers', 'accelerate', 'lm_eval'],
  DVC: ['dvc'],
  Snakemake: ['snakemake'],
  ninja: ['ninja'],
} as const;
export type PythonPeer = keyof typeof modules;

/** Finds or makes the environment for one peer, with nothing that only others need; `say` is told before something is downloaded. */
export async function findPython(peer: PythonPeer, say: (line: string) => void): Promise<Python> {
  const named = process.env[variable];
  if (named !== undefined) return usable(join(named, 'bin'), peer, `${variable} names '${named}', which`);
  const folder = join(root, '.bench', 'venv');
  const done = join(folder, `done-${peer}`);
  if (!existsSync(done)) {
    const problem = await makeEnvironment(folder, peer, say);
    if (problem !== undefined) return { missing: problem };
    writeFileSync(done, '');
  }
  return usable(join(folder, 'bin'), peer, `'${folder}' (delete it to make it anew)`);
}

async function makeEnvironment(
  folder: string,
  peer: PythonPeer,
  say: (line: string) => void,
): Promise<string | undefined> {
  say(`installing ${modules[peer].join(', ')} into '${folder}' (or name an environment with ${variable})`);
  workFolder();
  const python = join(folder, 'bin', 'python');
  const pinned = ['-c', join(root, 'bench', 'requirements.txt')];
  const steps = [
    { program: 'python3', args: ['-m', 'venv', folder] },
    { program: python, args: ['-m', 'pip', 'install', '--quiet', ...pinned, ...modules[peer]] },
  ];
  for (const step of steps) {
    const ended = await runWhole({ ...step, cwd: root }).catch((error: Error) => ({ code: -1, output: error.message }));
    if (ended.code !== 0) return `no Python environment: ${ended.output.trim().split('\n').at(-1)}`;
  }
  return undefined;
}

async function usable(bin: string, peer: PythonPeer, what: string): Promise<Python> {
  const args = ['-c', `import ${modules[peer].join(', ')}`];
  const ended = await runWhole({ program: join(bin, 'python'), args, cwd: root }).catch(() => undefined);
  if (ended === undefined) return { missing: `${what} has no bin/python` };
  return ended.code === 0 ? { bin } : { missing: `${what} lacks a package: ${ended.output.trim().split('\n').at(-1)}` };
}
