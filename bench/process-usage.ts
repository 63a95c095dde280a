// What a running process has used so far, from Linux's /proc; nothing is known elsewhere.
import { readFileSync } from 'node:fs';

/** Memory and processor time of one process. */
export interface Usage {
  /** MiB of resident memory at its peak. */
  peak: number;
  /** Of all its threads, and of the children that it has waited for. */
  cpu_ms: number;
}

/** The clock tick of /proc, 100 to the second on every Linux that Node runs on. */
const tick_ms = 10;

/**
 * What process `pid` has used; undefined where /proc is missing and once the process is gone. getrusage is no substitute
 * for VmHWM: it counts what the parent held before the new program was loaded.
 */
export function usageOf(pid: number): Usage | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0); // utime stime cutime cstime
    return kib === undefined ? undefined : { peak: Number(kib) / 1024, cpu_ms: ticks * tick_ms };
  } catch {
    return undefined;
  }
}
