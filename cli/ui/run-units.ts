// The units of a run, by what is kept of it: while it goes on by its small file, when it is over by its outcome.

import type { PlanSnapshot } from '../../store/runs/plan-snapshot.ts';
import { loadLive, type RunLive } from '../../store/runs/run-live.ts';
import { loadRun } from '../../store/runs/runs.ts';
import { isObject } from '../../util/json.ts';
import { loadKeptPlan } from '../runs/kept-plan.ts';
import type { NamedRun } from '../runs/latest-runs.ts';
import { orSay, type RunInfo, runInfo } from '../runs/run-info.ts';

/** One unit that is over. */
export interface KeptUnit {
  unit: string;
  status: string;
  key: string | null;
  facts: Readonly<Record<string, unknown>>;
  outputs: Readonly<Record<string, { digest: string; size: number }>>;
}

export interface RunUnits {
  info: RunInfo;
  plan: PlanSnapshot | null;
  /** Undefined where the run has ended, or does not say. */
  live: RunLive | undefined;
  /** By plan node; undefined for a run that left no outcome. */
  nodes: ReadonlyMap<string, readonly KeptUnit[]> | undefined;
  /** A sentence for each file that could not be used. */
  damaged: readonly string[];
}

/** What is kept of a run's units. */
export function runUnits(store: string, { experiment, run }: NamedRun): RunUnits {
  const info = runInfo(store, experiment, run);
  const damaged = [...info.damaged];
  const plan = orSay(() => loadKeptPlan(store, experiment, run), damaged) ?? null;
  const live = info.ended === null ? orSay(() => loadLive(store, experiment, run), damaged) : undefined;
  const outcome = orSay(() => loadRun(store, experiment, run, 'outcome'), damaged);
  const nodes = outcome === undefined ? undefined : nodesOf(outcome.nodes);
  return { info, plan, live, nodes, damaged };
}

function nodesOf(value: unknown): Map<string, readonly KeptUnit[]> {
  const found = new Map<string, readonly KeptUnit[]>();
  for (const node of listOf(value)) {
    if (typeof node.node === 'string') found.set(node.node, listOf(node.units).map(unitOf));
  }
  return found;
}

function unitOf(value: Record<string, unknown>): KeptUnit {
  const outputs = isObject(value.outputs) ? Object.entries(value.outputs) : [];
  return {
    unit: typeof value.unit === 'string' ? value.unit : '',
    status: typeof value.status === 'string' ? value.status : '',
    key: typeof value.key === 'string' && isKey(value.key) ? value.key : null,
    facts: isObject(value.facts) ? value.facts : {},
    outputs: Object.fromEntries(outputs.flatMap(([name, ref]) => (isBlob(ref) ? [[name, ref] as const] : []))),
  };
}

/** True for what can be a cache key: nothing else may become a part of a path. */
export function isKey(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function isBlob(value: unknown): value is { digest: string; size: number } {
  return isObject(value) && isKey(String(value.digest)) && Number.isSafeInteger(value.size);
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
