// `lamina push`: writes what the local store has of specs into the shared one.
import { openStore } from '../../store/open-store.ts';
import type { StoreRecord } from '../../store/record.ts';
import type { SharedStore } from '../../store/remote/shared-store.ts';
import { listRuns } from '../../store/runs/runs.ts';
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
import { orSay, runInfo } from '../runs/run-info.ts';
import { unitsOfRun } from '../runs/units-of-run.ts';
import { type ProgressLine, progressLine } from '../upkeep/progress-line.ts';

/** Exit code 1 where something could not be written. Ctrl-C stops it; what is there by then is whole. */
export async function push([specs]: [string[]], flags: PlanFlags, context: Context): Promise<number> {
  neededRemote(flags, 'push');
  const { out, err } = context.terminal;
  const { records, units, experiments } = await unitsHere(specs, flags, context);
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
    await shared.conditions(); // a place that cannot be used is told before any progress
    for (const [i, record] of records.entries()) {
      await shared.share(record);
      line.show(`${i + 1} of ${countOf(records.length, 'unit')} to '${shared.name}'`, (i + 1) / records.length);
    }
    await shared.settle();
    const runs = await shareRuns(experiments, shared, local.folder, line);
    line.clear();
    if (stop.signal.aborted) {
      err.write('stopped; what is written is whole, and the same command goes on from here\n');
      return exitCodes.stopped;
    }
    const left = shared.unshared.length;
    const size_bytes = sizeOf(records);
    const pushed = records.length - left;
    const facts = { remote: shared.name, units, pushed, failed: left, size_bytes, runs: runs.there };
    if (flags.json) out.write(`${JSON.stringify(facts, undefined, 1)}\n`);
    else out.write(`${textOf(facts)}\n`);
    return left > 0 || runs.failed > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    line.clear();
    local.close();
    stop.dispose();
  }
}

/** Writes the runs of these experiments that have ended, with the logs of their units; how many are there then, and how many could not be written. */
async function shareRuns(
  experiments: readonly string[],
  shared: SharedStore,
  store: string,
  line: ProgressLine,
): Promise<{ there: number; failed: number }> {
  const ended = experiments.flatMap((experiment) =>
    listRuns(store, experiment)
      .filter((run) => runInfo(store, experiment, run).ended !== null)
      .map((run) => ({ experiment, run })),
  );
  let there = 0;
  for (const [i, { experiment, run }] of ended.entries()) {
    const keys = orSay(() => unitsOfRun(store, experiment, run)?.units, [])?.map(({ key }) => key);
    if (await shared.shareRun(experiment, run, keys ?? [])) there++;
    line.show(`${i + 1} of ${countOf(ended.length, 'run')} to '${shared.name}'`, (i + 1) / ended.length);
  }
  return { there, failed: ended.length - there };
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
  runs,
}: {
  remote: string;
  units: number;
  pushed: number;
  failed: number;
  size_bytes: number;
  runs: number;
}) {
  const rest = failed > 0 ? `; ${failed} could not be written` : '';
  const shown = runs === 0 ? '' : `; ${countOf(runs, 'run')} with tables and logs`;
  return `${pushed} of ${countOf(units, 'unit')} (${formatBytes(size_bytes)}) are in '${remote}'${shown}${rest}`;
}
