// The largest resident memory that a process has had.
import { readFileSync } from 'node:fs';

/**
 * MiB of process `pid` at its peak, from Linux's VmHWM; undefined elsewhere and once the process is gone. getrusage is no
 * substitute: it counts what the parent held before the new program was loaded.
 */
export function peakMemory(pid: number): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}
