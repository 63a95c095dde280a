// Before the tests: compile to dist/, because tests that start processes run what users run; forget the developer's own store.
import { execFileSync } from 'node:child_process';

/** Runs the compiler once; incremental, so it costs little when nothing changed. Tests inherit the environment. */
export function setup(): void {
  for (const name of Object.keys(process.env)) if (/^LAMINA_(STORE|REMOTE)/.test(name)) delete process.env[name];
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
