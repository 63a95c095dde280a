// `lamina logs`: what the stages of a spec, of a cell or of a run printed; with --follow while they run.
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { describeUnit } from '../../runner/survey/events.ts';
import { type KeptLog, logsOf } from '../../store/logs.ts';
import { formatBytes } from '../../util/amounts.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { listenForStop } from '../common/stop-signals.ts';
import type { Output } from '../common/terminal.ts';
import { Following } from '../logs/following.ts';
import { type UnitsMeant, unitsMeant } from '../logs/units-meant.ts';
import { writeLog } from '../logs/write-log.ts';
import { type RunPlaces, withRunPlaces } from '../runs/run-places.ts';
import { warningLines } from '../runs/run-text.ts';
import type { UnitOfRun } from '../runs/units-of-run.ts';

interface LogsFlags extends PlanFlags {
  follow?: boolean;
  all?: boolean;
}

/** A log, and what its place is called. */
interface FoundLog extends KeptLog {
  place: string;
}

/** The logs of one unit, which it may share with others of its attempt. */
interface UnitLogs {
  unit: UnitOfRun;
  logs: readonly FoundLog[];
}

const poll_ms = 200;
/** Keys that the shared store is asked about at once. */
const mostAsked = 16;

/** Prints the last log of every unit of the stages that are meant; with --all those of earlier attempts before it. */
export function logs(given: [string, string, string?], flags: LogsFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  return withRunPlaces(flags, context, async (places) => {
    const meant = await unitsMeant(given, flags, places, context);
    err.write(warningLines(meant.remarks, err));
    if (flags.follow) return follow(meant, flags, places, context);
    const found = await logsOfUnits(await meant.units(), resolve(flags.store), places);
    const shown = flags.all ? found : found.map((each) => ({ ...each, logs: each.logs.slice(-1) }));
    if (flags.json) out.write(`${JSON.stringify(shown.flatMap(unitJson), undefined, 1)}\n`);
    else print(shown, out);
    if (shown.length === 0) err.write(`nothing of '${given[1]}' has printed anything\n`);
    return exitCodes.done;
  });
}

/** Of each unit the logs that are here; where there are none, those in the shared store. */
async function logsOfUnits(units: readonly UnitOfRun[], store: string, places: RunPlaces): Promise<UnitLogs[]> {
  const here = new Map(units.map(({ key }) => [key, logsOf(store, key)]));
  const { there } = places;
  const missing = there === undefined ? [] : [...here].flatMap(([key, found]) => (found.length === 0 ? [key] : []));
  await pLimit(mostAsked).map(missing, async (key) => there?.bringLogs(key, places.folder));
  return units.flatMap((unit) => {
    const own = here.get(unit.key) ?? [];
    const found = own.length > 0 || there === undefined ? own : logsOf(places.folder, unit.key);
    const isHere = found === own;
    const logs = found.map((log) => ({ ...log, place: isHere ? log.path : placeThere(log.path, places) }));
    return logs.length === 0 ? [] : [{ unit, logs }];
  });
}

/** What says in the shared store which bytes are the log's. */
function placeThere(path: string, places: RunPlaces): string {
  return places.told(path).replace(/\.log$/, '.json');
}

/** A log that several units of one attempt have is printed once, under the first. */
function print(units: readonly UnitLogs[], out: Output): void {
  const printed = new Set<string>();
  for (const { unit, logs } of units) {
    for (const log of logs.filter(({ attempt }) => !printed.has(attempt))) {
      printed.add(log.attempt);
      const written = new Date(log.written_ms).toISOString().slice(0, 16).replace('T', ' ');
      const head = `${describeUnit(unit)} · ${written} UTC · ${formatBytes(log.size_bytes)} · ${log.place}`;
      out.write(`${out.paint.strong(head)}\n`);
      writeLog(log.path, out);
    }
  }
}

/** Prints what running stages print, until no run of the experiment is left; then what was too quick to be seen running. */
async function follow(
  { experiment, nodes, units }: UnitsMeant,
  flags: LogsFlags,
  places: RunPlaces,
  context: Context,
): Promise<number> {
  const { out } = context.terminal;
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  const begun_ms = Date.now();
  const following = new Following(flags.store, experiment, nodes, out);
  try {
    while (following.isRunning()) {
      following.read();
      await sleep(poll_ms, undefined, { signal: stop.signal });
    }
    following.read();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return exitCodes.stopped;
  } finally {
    following.close();
    stop.dispose();
  }
  const found = await logsOfUnits(await units(), resolve(flags.store), places);
  const isMissed = ({ attempt, written_ms }: KeptLog) => written_ms >= begun_ms && !following.has(attempt);
  print(
    found.map((each) => ({ ...each, logs: each.logs.filter(isMissed) })),
    out,
  );
  return exitCodes.done;
}

function unitJson({ unit: { key, ...name }, logs }: UnitLogs) {
  return logs.map(({ place, ...log }) => ({ ...name, key, ...log, path: place }));
}
