// `lamina pull`: takes what the shared store has of specs into the local one, to go on without it.
import pLimit from 'p-limit';
import { openStore } from '../../store/open-store.ts';
import type { OutputRef, StoreRecord } from '../../store/record.ts';
import type { SharedStore } from '../../store/remote/shared-store.ts';
import { formatBytes } from '../../util/amounts.ts';
import { unitsOf } from '../artifacts/units-of-specs.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { neededRemote, sharedBehind } from '../common/remote.ts';
import { saying } from '../common/saying.ts';
import { countOf } from '../common/spec-name.ts';
import { listenForStop } from '../common/stop-signals.ts';
import { type ProgressLine, progressLine } from '../upkeep/progress-line.ts';

interface PullFlags extends PlanFlags {
  /** The records alone. */
  records?: boolean;
}

const fetchesAtOnce = 4;

/** Exit code 1 where an artifact is not to be had. Ctrl-C stops it; what is here by then is whole. */
export async function pull([specs]: [string[]], flags: PullFlags, context: Context): Promise<number> {
  neededRemote(flags, 'pull');
  const { out, err } = context.terminal;
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  const line = progressLine(err);
  const local = await openStore(flags.store, { mode: 'write', say: saying(context) });
  try {
    const shared = await sharedBehind(
      local,
      { ...flags, remoteRequired: true, remoteReadOnly: true },
      saying(context),
      stop.signal,
    );
    if (shared === undefined) return exitCodes.failed;
    const { records, units } = await unitsOf(specs, flags, shared, context);
    const missing = flags.records ? 0 : await bringAll(artifactsOf(records), shared, line, stop.signal);
    line.clear();
    if (stop.signal.aborted) {
      err.write('stopped; what is here is whole, and the same command goes on from here\n');
      return exitCodes.stopped;
    }
    const { fetched, fetched_bytes } = shared.traffic;
    const facts = { remote: shared.name, units, here: records.length, fetched, fetched_bytes, missing };
    out.write(flags.json ? `${JSON.stringify(facts, undefined, 1)}\n` : `${textOf(facts)}\n`);
    return missing > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    line.clear();
    local.close();
    stop.dispose();
  }
}

function artifactsOf(records: readonly StoreRecord[]): OutputRef[] {
  const all = records.flatMap(({ outputs }) => Object.values(outputs));
  return [...new Map(all.map((artifact) => [artifact.digest, artifact])).values()];
}

/** How many were not to be had. */
async function bringAll(
  artifacts: readonly OutputRef[],
  shared: SharedStore,
  line: ProgressLine,
  signal: AbortSignal,
): Promise<number> {
  const all = artifacts.reduce((sum, { size }) => sum + size, 0);
  let [done, missing] = [0, 0];
  await pLimit(fetchesAtOnce).map(artifacts, async (artifact) => {
    if (signal.aborted) return;
    if (!(await shared.bring(artifact))) missing++;
    done += artifact.size;
    line.show(`${formatBytes(done)} of ${formatBytes(all)} from '${shared.name}'`, all === 0 ? 1 : done / all);
  });
  return missing;
}

interface Pulled {
  remote: string;
  units: number;
  here: number;
  fetched: number;
  fetched_bytes: number;
  missing: number;
}

function textOf({ remote, units, here, fetched, fetched_bytes, missing }: Pulled): string {
  const got = `${countOf(fetched, 'artifact')} (${formatBytes(fetched_bytes)}) fetched from '${remote}'`;
  const lost = missing === 0 ? '' : `; ${countOf(missing, 'artifact')} not there: made again when needed`;
  return `${here} of ${countOf(units, 'unit')} are here: ${got}${lost}`;
}
