// `lamina logs`: what the stages of a spec, of a cell or of a run printed; with --follow while they run.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Plan } from '../../contract/plan.ts';
import { describeUnit, type UnitName } from '../../runner/survey/events.ts';
import { inspect } from '../../runner/survey/inspect.ts';
import { type KeptLog, logsOf } from '../../store/logs.ts';
import { openStore } from '../../store/open-store.ts';
import { formatBytes } from '../../util/amounts.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { saying } from '../common/saying.ts';
import { listenForStop } from '../common/stop-signals.ts';
import type { Output } from '../common/terminal.ts';
import { nodesMeant } from '../common/why-subject.ts';
import { Following } from '../logs/following.ts';
import { writeLog } from '../logs/write-log.ts';
import { type KeysOfUnits, keysOfRun } from '../runs/keys-of-run.ts';
import { wantedPlan } from '../runs/run-reference.ts';
import { warningLines } from '../runs/run-text.ts';

interface LogsFlags extends PlanFlags {
  follow?: boolean;
  all?: boolean;
}

/** The logs of one unit, which it may share with others of its attempt. */
interface UnitLogs {
  name: UnitName;
  key: string;
  logs: readonly KeptLog[];
}

const poll_ms = 200;

/** Prints the last log of every unit of the stages that are meant; with --all those of earlier attempts before it. */
export async function logs(given: [string, string, string?], flags: LogsFlags, context: Context): Promise<number> {
  const [text, subject, cell] = given;
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const { plan, changed } = await wantedPlan(text, flags, registry);
  if (changed !== undefined) err.write(warningLines([changed], err));
  const nodes = new Set(nodesMeant(plan, subject, cell));
  if (flags.follow) return follow(plan, nodes, flags, context);
  const found = await logsOfUnits(plan, nodes, keysOfRun(text, flags.store), flags, context);
  const shown = flags.all ? found : found.map((unit) => ({ ...unit, logs: unit.logs.slice(-1) }));
  if (flags.json) out.write(`${JSON.stringify(shown.flatMap(unitJson), undefined, 1)}\n`);
  else print(shown, out);
  if (shown.length === 0) err.write(`nothing of '${subject}' has printed anything\n`);
  return exitCodes.done;
}

async function logsOfUnits(
  plan: Plan,
  nodes: ReadonlySet<string>,
  keys: KeysOfUnits,
  flags: LogsFlags,
  context: Context,
): Promise<UnitLogs[]> {
  const store = await openStore(flags.store, { mode: 'read', say: saying(context) });
  try {
    const { items } = await inspect(plan, await context.registry(), store);
    return items.flatMap(({ node, unit, key: now }): UnitLogs[] => {
      const key = keys(node.id, unit) ?? now;
      const found = key === null || !nodes.has(node.id) ? [] : logsOf(store.folder, key);
      const name = { node: node.id, stage: node.stage, cell: node.cell, unit };
      return found.length === 0 ? [] : [{ name, key: key as string, logs: found }];
    });
  } finally {
    store.close();
  }
}

/** A log that several units of one attempt have is printed once, under the first. */
function print(units: readonly UnitLogs[], out: Output): void {
  const printed = new Set<string>();
  for (const { name, logs } of units) {
    for (const log of logs.filter(({ attempt }) => !printed.has(attempt))) {
      printed.add(log.attempt);
      const written = new Date(log.written_ms).toISOString().slice(0, 16).replace('T', ' ');
      const head = `${describeUnit(name)} · ${written} UTC · ${formatBytes(log.size_bytes)} · ${log.path}`;
      out.write(`${out.paint.strong(head)}\n`);
      writeLog(log.path, out);
    }
  }
}

/** Prints what running stages print, until no run of the experiment is left; then what was too quick to be seen running. */
async function follow(plan: Plan, nodes: ReadonlySet<string>, flags: LogsFlags, context: Context): Promise<number> {
  const { out } = context.terminal;
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  const begun_ms = Date.now();
  const following = new Following(flags.store, plan.experiment, nodes, out);
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
  const found = await logsOfUnits(plan, nodes, () => undefined, flags, context);
  const isMissed = ({ attempt, written_ms }: KeptLog) => written_ms >= begun_ms && !following.has(attempt);
  print(
    found.map((unit) => ({ ...unit, logs: unit.logs.filter(isMissed) })),
    out,
  );
  return exitCodes.done;
}

function unitJson({ name, key, logs }: UnitLogs) {
  return logs.map((log) => ({ ...name, key, ...log }));
}
