// `lamina gc`: frees what no kept run needs. Says what that is, and does it with --yes.
import { type Collected, type CollectOptions, collect, previewCollection } from '../../store/upkeep/collect.ts';
import { needsOf } from '../../store/upkeep/roots.ts';
import { formatBytes } from '../../util/amounts.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import { openedToChange, openedToRead } from '../common/opened.ts';
import { sayLocalAlone } from '../common/remote.ts';
import { countOf } from '../common/spec-name.ts';
import { listenForStop } from '../common/stop-signals.ts';
import { warningLines } from '../runs/run-text.ts';
import { collectionLines, groupsOf } from '../upkeep/collection-text.ts';
import { type KeepFlags, keptRuns } from '../upkeep/kept-runs.ts';
import { sentencesOnJobs, settleJobs } from '../upkeep/left-jobs.ts';

export interface GcFlags extends StoreFlags, KeepFlags {
  quota?: number;
  /** True for all stages, or names with commas between. */
  intermediate?: true | string;
  yes?: boolean;
  site?: string;
}

/** Exit code 1 where the quota cannot be reached by what the flags allow. */
export async function gc(_: [], flags: GcFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  const folder = await openedToRead(flags.store, context);
  sayLocalAlone(context);
  try {
    const said = flags.yes ? await askJobs(flags, context) : sentencesOnJobs(folder);
    err.write(warningLines(said, err));
    const now_ms = Date.now();
    const runs = () => keptRuns(flags.store, flags, now_ms).kept.map((run) => needsOf(flags.store, run));
    const options = { ...optionsOf(flags), runs, signal: stop.signal };
    const found = flags.yes ? await carryOut(flags.store, options, context) : await previewCollection(folder, options);
    if (flags.json) out.write(`${JSON.stringify(jsonOf(found, flags, now_ms), undefined, 1)}\n`);
    else out.write(textOf(found, flags, now_ms));
    const over_bytes = found.before_bytes - found.freed_bytes - (flags.quota ?? Number.POSITIVE_INFINITY);
    if (over_bytes <= 0) return exitCodes.done;
    err.write(warningLines([overText(over_bytes, flags)], err));
    return exitCodes.failed;
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    err.write('stopped; what is not removed is whole, and the same command goes on from here\n');
    return exitCodes.stopped;
  } finally {
    stop.dispose();
  }
}

/** With the store opened for that alone: what it looks up here is not needed afterwards. */
async function askJobs({ store: place, site }: GcFlags, context: Context): Promise<string[]> {
  const store = await openedToChange(place, context);
  try {
    return await settleJobs(store, site);
  } finally {
    store.close();
  }
}

async function carryOut(place: string, options: CollectOptions, context: Context): Promise<Collected> {
  const store = await openedToChange(place, context);
  try {
    return await collect(store, options);
  } finally {
    store.close();
  }
}

function optionsOf({ quota, intermediate }: GcFlags): Omit<CollectOptions, 'runs'> {
  const stages = typeof intermediate === 'string' ? intermediate.split(',').map((each) => each.trim()) : [];
  return {
    ...(quota !== undefined && { quota_bytes: quota }),
    ...(intermediate !== undefined && { intermediate: { stages } }),
  };
}

function textOf(found: Collected, flags: GcFlags, now_ms: number): string {
  const { kept, dropped } = keptRuns(flags.store, flags, now_ms);
  const runs = `${countOf(kept.length, 'run')} kept${dropped.length > 0 ? `, ${dropped.length} not` : ''}`;
  const freed_bytes = found.freed_bytes + found.quarantine_bytes + bytesOf(found);
  const left = `${formatBytes(found.before_bytes - found.freed_bytes)} of ${formatBytes(found.before_bytes)} stay`;
  const lines = collectionLines(found);
  if (lines.length === 0) return `nothing to free: ${runs}, ${left}\n`;
  const way = flags.yes ? `freed ${formatBytes(freed_bytes)}` : `would free ${formatBytes(freed_bytes)}`;
  const next = flags.yes ? '' : 'nothing was removed: the same command with --yes does it\n';
  return `${lines.join('\n')}\n${way}: ${runs}, ${left}\n${next}`;
}

function bytesOf({ leftovers }: Collected): number {
  return leftovers.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
}

function jsonOf(found: Collected, flags: GcFlags, now_ms: number) {
  const { kept, dropped } = keptRuns(flags.store, flags, now_ms);
  const name = ({ experiment, run }: (typeof kept)[number]) => `${experiment}@${run}`;
  return {
    done: flags.yes === true,
    kept: kept.map(name),
    dropped: dropped.map(name),
    taken: groupsOf(found.taken),
    loose: found.loose.length,
    quarantine_bytes: found.quarantine_bytes,
    leftovers: found.leftovers.length,
    leftover_bytes: bytesOf(found),
    before_bytes: found.before_bytes,
    freed_bytes: found.freed_bytes,
  };
}

function overText(over_bytes: number, { intermediate }: GcFlags): string {
  const more = intermediate === undefined ? 'add --intermediate, or keep' : 'keep';
  return `${formatBytes(over_bytes)} above the quota are needed by kept runs: ${more} fewer runs (--keep-last, --older-than)`;
}
