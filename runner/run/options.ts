import type { UserError } from '../../util/errors.ts';
import type { RunEvent } from '../survey/events.ts';

export interface RunOptions {
  /** The file that a worker process runs; it calls `serveWorker` with the same registry. */
  workerUrl: URL;
  /** Attempts side by side; by default as many as threads. */
  jobs?: number | undefined;
  /** Threads of all attempts together; by default those of the machine. */
  threads?: number | undefined;
  /** Memory of all attempts together, by their own estimates; by default that of the machine. */
  memory_bytes?: number | undefined;
  /** Go on with what does not depend on a failure; true by default. */
  keepGoing?: boolean | undefined;
  /** Stops gently: nothing new starts, running stages are asked to stop and are killed after `grace_ms`. */
  signal?: AbortSignal | undefined;
  /** Stops at once: kills all workers. Abort `signal` before. */
  kill?: AbortSignal | undefined;
  grace_ms?: number | undefined;
  /** Why the store cannot be written to; thrown where something has to run, for then it must. */
  refusal?: UserError | undefined;
  onEvent?: ((event: RunEvent) => void) | undefined;
  /** Kept in the records as observed: `{ lamina: '0.1.0', node: ... }`. */
  versions?: Readonly<Record<string, string>> | undefined;
}
