// Before the tests: compile to dist/, because tests that start processes run what users run.
import { execFileSync } from 'node:child_process';

/** Runs the compiler once; incremental, so it costs little when nothing changed. */
export function setup(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
