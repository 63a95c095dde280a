// Whether the shared store can be reached, and what it can do.
import { setMaxListeners } from 'node:events';
import type { Conditions } from '../../store/remote/probe.ts';
import { UserError } from '../../util/errors.ts';
import { type RemoteFlags, remoteOf } from '../common/remote.ts';

export interface RemoteState {
  readonly url: string;
  /** Why it cannot be used; null where it can. */
  readonly problem: string | null;
  /** Somebody has written results there. */
  readonly used: boolean;
  /** Why nothing can be written there; null where it can, or where it was not tried. */
  readonly unwritable: string | null;
  /** What several writers at once may do; null where it was not tried: with --remote-read-only, or where nothing can be written. */
  readonly conditions: Conditions | null;
  /** Where the credentials come from; null for a folder, and without any. */
  readonly credentials: string | null;
  /** How far this machine's clock is from the server's, where that has stood in the way. */
  readonly skew_ms: number;
}

/** The shared store that the flags name, null without one. Writes a few bytes there to see what comes of it, and removes them. */
export async function remoteState(flags: RemoteFlags): Promise<RemoteState | null> {
  const url = remoteOf(flags);
  if (url === undefined) return null;
  const nothing = {
    url,
    problem: null,
    used: false,
    unwritable: null,
    conditions: null,
    credentials: null,
    skew_ms: 0,
  };
  try {
    const { examine } = await import('../../store/remote/examine.ts');
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    return { ...nothing, ...(await examine(url, controller.signal, flags.remoteReadOnly === true)) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...nothing, problem: error.message };
  }
}
