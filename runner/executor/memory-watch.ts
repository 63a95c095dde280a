// Watches what a process takes of the memory, with all that it has started, and ends it when that is more than it may.
import { readFileSync } from 'node:fs';
import { formatBytes } from '../../util/amounts.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import { namesIn } from '../../util/names-in.ts';
import type { AttemptEnd } from './executor.ts';

const look_ms = 200;
/** A stage that starts processes without end is not followed for ever. */
const mostProcesses = 1000;

/** What is said of an attempt that took `taken_bytes`. */
export function memoryEnd(taken_bytes: number | undefined, limit_bytes: number): AttemptEnd {
  const limit = `${formatBytes(limit_bytes)}, the limit of its stage (resources: memory)`;
  const took = taken_bytes === undefined ? '' : `${formatBytes(taken_bytes)} of memory, `;
  return { type: 'lost', limit: 'memory', message: `it took ${took}more than ${limit}` };
}

/** One watch over one attempt; where the system does not tell (no /proc), it sees nothing. */
export class MemoryWatch {
  /** How the attempt ended, once it was ended for its memory. */
  end: AttemptEnd | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number, limit_bytes: number, kill: () => void) {
    this.#timer = setInterval(() => {
      const taken_bytes = residentBytes(pid);
      if (taken_bytes <= limit_bytes) return;
      this.end = memoryEnd(taken_bytes, limit_bytes);
      this.stop();
      kill();
    }, look_ms).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The memory of a process and of its descendants; what they share is counted for each. */
function residentBytes(pid: number): number {
  const pids = [pid];
  let sum = 0;
  for (let i = 0; i < pids.length && i < mostProcesses; i++) {
    const process = `/proc/${pids[i]}`;
    sum += 1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(textOf(`${process}/status`))?.[1] ?? 0);
    for (const thread of namesIn(`${process}/task`)) {
      const children = textOf(`${process}/task/${thread}/children`).trim();
      if (children !== '') pids.push(...children.split(' ').map(Number));
    }
  }
  return sum;
}

/** Empty for a process that has ended. */
function textOf(path: string): string {
  let text = '';
  ignoringErrors(() => {
    text = readFileSync(path, 'utf8');
  });
  return text;
}
