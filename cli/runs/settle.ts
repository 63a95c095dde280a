// The end of a run with a shared store: what is still on its way there is waited for.
import type { SharedStore } from '../../store/remote/shared-store.ts';
import type { RemoteFlags } from '../common/remote.ts';
import { countOf } from '../common/spec-name.ts';

/** Waits for the uploads; `say` hears of it, and `warn` of what is not there in the end. Throws UserError where the shared store is required and failed. */
export async function settle(
  shared: SharedStore,
  { remoteReadOnly }: RemoteFlags,
  say: (text: string) => void,
  warn: (text: string) => void,
): Promise<void> {
  if (shared.waiting > 0)
    say(`writing ${countOf(shared.waiting, 'unit')} to '${shared.name}' (Ctrl-C leaves that for later)`);
  await shared.settle();
  const left = shared.unshared.length;
  if (left === 0 || remoteReadOnly) return;
  const verb = left === 1 ? 'is' : 'are';
  warn(
    `${countOf(left, 'unit')} made here ${verb} not in '${shared.name}': the next run with it writes them there, or 'lamina push'`,
  );
}
