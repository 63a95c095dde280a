// Before the tests: compile to dist/, because tests that start processes run what users run; forget the developer's own store. All temporary folders
// of a run lie in one, which goes when it ends, whatever came of it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs the compiler once; incremental, so it costs little when nothing changed. Tests inherit the environment. Gives what removes the folder. */
export function setup(): () => void {
  for (const name of Object.keys(process.env)) if (/^LAMINA_(STORE|REMOTE)/.test(name)) delete process.env[name];
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  const folder = mkdtempSync(join(tmpdir(), 'lamina-')); // short: browsers put sockets below it, whose paths have 107 bytes at most
  process.env.TMPDIR = folder;
  return () => {
    spawnSync('chmod', ['-R', 'u+rwX', folder]); // what tests have forbidden themselves; what a process that ends takes away meanwhile is no matter
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 }); // a process that is being killed may still write
  };
}
