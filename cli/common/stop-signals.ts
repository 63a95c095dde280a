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

/**
 * `onFirst` is called once, when the run begins to stop; `onSecond` before the process ends. With `onLeave` only Ctrl-C stops: the end of the
 * terminal or of the machine calls that and ends this process, and nothing else.
 */
export function listenForStop(onFirst: () => void, onSecond: () => void, onLeave?: () => void): StopSignals {
  const gentle = new AbortController();
  const hard = new AbortController();
  const listener = (name: NodeJS.Signals) => {
    if (onLeave !== undefined && name !== 'SIGINT') {
      onLeave();
      process.exit(exitCodes.stopped);
    }
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
