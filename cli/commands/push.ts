// `lamina push`: writes what the local store has of specs into the shared one.
import { openStore } from '../../store/open-store.ts';
import type { StoreRecord } from '../../store/record.ts';
import { formatBytes } from '../../util/amounts.ts';
import { unitsOf } from '../artifacts/units-of-specs.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { openedToChange } from '../common/opened.ts';
import { neededRemote, sharedBehind } from '../common/remote.ts';
import { saying } from '../common/saying.ts';
import { countOf } from '../common/spec-name.ts';
import { listenForStop } from '../common/stop-signals.ts';
import { progressLine } from '../upkeep/progress-line.ts';

/** Exit code 1 where something could not be written. Ctrl-C stops it; what is there by then is whole. */
export async function push([specs]: [string[]], flags: PlanFlags, context: Context): Promise<number> {
  neededRemote(flags, 'push');
  const { out, err } = context.terminal;
  const { records, units } = await unitsHere(specs, flags, context);
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  const line = progressLine(err);
  const local = await openedToChange(flags.store, context);
  try {
    const shared = await sharedBehind(
      local,
      { ...flags, remoteRequired: true, remoteReadOnly: false },
      saying(context),
      stop.signal,
    );
    if (shared === undefined) return exitCodes.failed;
    for (const [i, record] of records.entries()) {
      await shared.share(record);
      line.show(`${i + 1} of ${countOf(records.length, 'unit')} to '${shared.name}'`, (i + 1) / records.length);
    }
    await shared.settle();
    line.clear();
    if (stop.signal.aborted) {
      err.write('stopped; what is written is whole, and the same command goes on from here\n');
      return exitCodes.stopped;
    }
    const left = shared.unshared.length;
    const size_bytes = sizeOf(records);
    const facts = { remote: shared.name, units, pushed: records.length - left, failed: left, size_bytes };
    if (flags.json) out.write(`${JSON.stringify(facts, undefined, 1)}\n`);
    else out.write(`${textOf(facts)}\n`);
    return left > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    line.clear();
    local.close();
    stop.dispose();
  }
}

/** What the local store alone has. */
async function unitsHere(specs: readonly string[], flags: PlanFlags, context: Context) {
  const store = await openStore(flags.store, { mode: 'read', say: saying(context) });
  try {
    return await unitsOf(specs, flags, store, context);
  } finally {
    store.close();
  }
}

/** The bytes of all artifacts, each once. */
function sizeOf(records: readonly StoreRecord[]): number {
  const sizes = new Map(
    records.flatMap(({ outputs }) => Object.values(outputs).map(({ digest, size }) => [digest, size])),
  );
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function textOf({
  remote,
  units,
  pushed,
  failed,
  size_bytes,
}: {
  remote: string;
  units: number;
  pushed: number;
  failed: number;
  size_bytes: number;
}) {
  const rest = failed > 0 ? `; ${failed} could not be written` : '';
  return `${pushed} of ${countOf(units, 'unit')} (${formatBytes(size_bytes)}) are in '${remote}'${rest}`;
}
