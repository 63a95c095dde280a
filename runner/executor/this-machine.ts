// What this process may use of the machine.
import { availableParallelism, totalmem } from 'node:os';

/** Threads that make sense at once. */
export function machineThreads(): number {
  return availableParallelism();
}

/** Bytes of memory: a container may have less than the machine. */
export function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
