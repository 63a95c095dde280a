// Ctrl-C and its relatives: the first asks the run to stop cleanly, the second ends it at once.
import { exitCodes } from './exit-codes.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens until `dispose` is called. */
export interface StopSignals {
  /** Aborted by the first signal. */
  signal: AbortSignal;
  /** Aborted by the second signal, just before the process ends. */
  kill: AbortSignal;
  dispose(): void;
}

/** `onFirst` is called once, when the run begins to stop; `onSecond` before the process ends. */
export function listenForStop(onFirst: () => void, onSecond: () => void): StopSignals {
  const gentle = new AbortController();
  const hard = new AbortController();
  const listener = () => {
    if (gentle.signal.aborted) {
      onSecond();
      hard.abort();
      process.exit(exitCodes.stopped);
    }
    gentle.abort(new Error('the run was stopped'));
    onFirst();
  };
  for (const name of signals) process.on(name, listener);
  return {
    signal: gentle.signal,
    kill: hard.signal,
    dispose: () => {
      for (const name of signals) process.off(name, listener);
    },
  };
}
