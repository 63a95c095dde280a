// Whether a backend can be used on this machine, found out in a process of its own: a driver may end the one that tries it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BackendOptions } from '../../tensor/backend/backend.ts';

const backend = fileURLToPath(new URL('../../dist/tensor/backend/backend.js', import.meta.url));

/** Why not, or undefined when it can be used. */
export function unusable(options: BackendOptions): string | undefined {
  const script = `const { useBackend } = await import(${JSON.stringify(backend)});
    await useBackend(${JSON.stringify(options)}).catch((error) => { console.error('\\n' + error.message); process.exit(1); });`;
  const arguments_ = ['--input-type=module', '--eval', script];
  const { status, stderr } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return stderr.trim().split('\n').at(-1) || 'its process ended without a word';
}
