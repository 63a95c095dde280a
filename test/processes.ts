// What tests ask the system about processes that they know by number.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** True while there is a process of this number; one that has ended and is not yet collected by its parent (a zombie, on Linux) is gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(stateOf(pid));
  } catch {
    return false;
  }
}

/** Waits until none of them is left: for ever, and then the test fails, if one were left behind. */
export async function whenGone(...pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await sleep(5);
}

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}
