// What is to be said of a number of threads that the machine does not have.
import { machineThreads } from '../../runner/executor/this-machine.ts';

/** A sentence where `threads` are more than the cores; they are taken all the same, since results follow their number and not the machine. */
export function threadsRemark(threads: number | undefined, cores = machineThreads()): string | undefined {
  if (threads === undefined || threads <= cores) return undefined;
  const has = cores === 1 ? '1 core' : `${cores} cores`;
  return `--threads ${threads} are more than the ${has} here: they take turns, which is slower than --threads ${cores}, and give the bytes of ${threads} threads`;
}
