// The graph of a run for the page: every node with its units counted, what is worked on, and logs.
import type { RunResult } from '../../contract/result.ts';
import { lastLines } from '../../store/log-file.ts';
import { logsOf } from '../../store/logs.ts';
import type { GraphFacts, GraphNode, LogFacts, RunningUnit } from '../../ui/facts.ts';
import { UserError } from '../../util/errors.ts';
import { printable } from '../../util/printable.ts';
import { findOutcome } from '../runs/run-files.ts';
import { endSentences, statusText } from '../runs/run-info-text.ts';
import { livingUnits } from './curves.ts';
import { readName } from './names.ts';
import { isKey, type KeptUnit, type RunUnits, runUnits } from './run-units.ts';

type Counts = Pick<GraphNode, 'units' | 'cached' | 'ran' | 'running' | 'failed' | 'blocked'>;

const noUnits: Counts = { units: null, cached: 0, ran: 0, running: 0, failed: 0, blocked: 0 };

/** The graph under a name. Throws UserError. */
export function graphOf(store: string, text: string): GraphFacts {
  const named = readName(store, text);
  if (named.kind === 'outcome')
    return ofOutcome(named.name, findOutcome(named.experiment, store, named.profile).result);
  const units = runUnits(store, named);
  const { info, plan, live } = units;
  const counts = countsOf(units);
  const indexes = new Map((plan?.nodes ?? []).map(({ id }, i) => [id, i]));
  const nodes = (plan?.nodes ?? []).map((node): GraphNode => {
    const { id, stage, use, cell } = node;
    const inputs = Object.values(node.inputs).flatMap(({ node: from }) => indexes.get(from) ?? []);
    return { id, stage, use, cell, inputs, ...(counts.get(id) ?? noUnits) };
  });
  const sum = (of: (node: GraphNode) => number) => nodes.reduce((total, node) => total + of(node), 0);
  const begun_ms = Date.now() - Date.parse(info.started);
  return {
    name: named.name,
    status: info.status,
    status_text: statusText(info),
    elapsed_ms: info.duration_ms ?? (info.status === 'running' ? Math.max(0, begun_ms) : (live?.elapsed_ms ?? null)),
    left_ms: info.status === 'running' ? (live?.left_ms ?? null) : null,
    units: live?.units ?? sum(({ units }) => units ?? 0),
    finished: live?.finished ?? sum(({ cached, ran }) => cached + ran),
    nodes,
    running: info.status === 'running' ? runningOf(store, named.experiment, units) : [],
    failures: failuresOf(units),
    remarks: [...remarksOf(units), ...units.damaged.map(printable)],
  };
}

function countsOf({ live, nodes, plan }: RunUnits): Map<string, Counts> {
  if (live !== undefined) return new Map(live.nodes.map(({ node, keys: _keys, ...counts }) => [node, counts]));
  if (nodes !== undefined) return new Map([...nodes].map(([id, units]) => [id, counted(units)]));
  return new Map((plan?.nodes ?? []).map(({ id }) => [id, noUnits]));
}

function counted(units: readonly KeptUnit[]): Counts {
  const count = (...statuses: string[]) => units.filter(({ status }) => statuses.includes(status)).length;
  return {
    units: units.length,
    cached: count('cached', 'reused'),
    ran: count('ran'),
    running: 0,
    failed: count('failed'),
    blocked: count('blocked', 'cancelled'),
  };
}

function runningOf(store: string, experiment: string, { live }: RunUnits): RunningUnit[] {
  const keys = livingUnits(store, experiment);
  return (live?.running ?? []).map((unit) => ({ ...unit, key: keys.get(`${unit.node}\n${unit.unit}`) ?? null }));
}

function failuresOf({ info }: RunUnits): GraphFacts['failures'] {
  return info.failures.map(({ message, keys }) => {
    const key = keys.find((each) => each !== null && isKey(each)) ?? null;
    return { text: printable(message), key };
  });
}

function remarksOf({ info, plan, live }: RunUnits): string[] {
  const ended =
    info.status === 'done' || info.status === 'failed' ? [] : endSentences({ ...info, failures: [], damaged: [] });
  if (plan === null) return [...ended, 'the plan of this run was not kept, so its stages are not known'];
  if (info.status === 'running' && live === undefined)
    return [...ended, 'this run does not tell how far it is: an earlier version of lamina carries it out'];
  return ended;
}

/** Of an outcome only what its numbers were made of is known. */
function ofOutcome(name: string, { provenance }: RunResult): GraphFacts {
  const nodes = (provenance?.nodes ?? []).map(({ id, stage, use, cell, inputs, units }): GraphNode => {
    return { ...noUnits, id, stage, use, cell, inputs: Object.values(inputs), units: units.length, ran: units.length };
  });
  const units = nodes.reduce((sum, node) => sum + (node.units ?? 0), 0);
  const remarks = provenance === null ? ['how these numbers were made was not kept'] : [];
  const ended = { status: 'done', status_text: 'kept outcome', elapsed_ms: null, left_ms: null } as const;
  return { name, ...ended, units, finished: units, nodes, running: [], failures: [], remarks };
}

const shownLines = 200;

/** The end of the last log of a key. Throws UserError where it has none. */
export function logOfKey(store: string, key: string): LogFacts {
  if (!isKey(key)) throw new UserError(`'${key}' is no cache key`);
  const logs = logsOf(store, key);
  const last = logs.at(-1);
  if (last === undefined) throw new UserError('nothing was printed, or its log is gone');
  const lines = lastLines(last.path, shownLines, 64 * 1024);
  const left_bytes = Math.max(0, last.size_bytes - Buffer.byteLength(lines.join('\n')));
  return { key, attempts: logs.map(({ path: _path, ...log }) => log), lines, left_bytes };
}
