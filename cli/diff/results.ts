// The numbers of a spec that the store holds already; nothing is run for them.
import { type Plan, workOutput } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import type { DiffResult } from '../../report/diff/side.ts';
import {
  collectResult,
  type FindMetric,
  type MetricArtifact,
  type MetricMissing,
} from '../../report/result/collect.ts';
import { type MadeUnit, madeBy, madeUnit, workMetrics } from '../../report/result/work.ts';
import { inspectSurvey } from '../../runner/survey/inspect.ts';
import { groupWarnings, type NodeWarning } from '../../spec/plan/warnings.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import type { StoreRecord } from '../../store/record.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';

/** By node and unit: its record, null where it has none. */
type Hits = ReadonlyMap<string, ReadonlyMap<string, StoreRecord | null>>;

/** Where numbers are looked for. */
export interface Numbers {
  open(): Promise<Store>;
  /** The store, or the stores, in quotes. */
  where: string;
}

/** The numbers and verdicts of a plan; a sentence when none of its numbers is known. */
export async function knownResult(
  plan: Plan,
  registry: StageRegistry,
  { open, where }: Numbers,
): Promise<DiffResult | string> {
  const store = await open();
  try {
    const { units, warned } = await hits(plan, registry, store);
    const summary = { cached: 0, ran: 0, failed: 0, blocked: 0, duration_ms: 0 };
    const facts = { run: '', spec: plan.file, summary, warnings: groupWarnings(plan, warned) };
    const result = await collectResult(plan, facts, metricsIn(plan, units, store));
    const known = result.cells.some((cell) => cell.value !== null);
    return known ? result : `none of its numbers is in ${where}`;
  } catch (error) {
    // a model or data set that is not here has no numbers here
    if (error instanceof UserError) return error.message;
    throw error;
  } finally {
    store.close();
  }
}

/** The records of each node's units whose results are in the store, by the units' names, and what all stages warn of. */
async function hits(
  plan: Plan,
  registry: StageRegistry,
  store: Store,
): Promise<{ units: Hits; warned: readonly NodeWarning[] }> {
  const { inspection, survey } = await offline(() => inspectSurvey(plan, registry, store, 'waits'));
  const units = new Map<string, Map<string, StoreRecord | null>>();
  for (const { node, unit, record } of inspection.items) {
    const known = units.get(node.id) ?? new Map<string, StoreRecord | null>();
    units.set(node.id, known.set(unit, record));
  }
  return { units, warned: survey.warnings() };
}

/** What a branch on the hub means is asked of the cache alone: looking must neither wait for a network nor need one. */
async function offline<T>(work: () => Promise<T>): Promise<T> {
  const before = process.env.HF_HUB_OFFLINE;
  process.env.HF_HUB_OFFLINE = '1';
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.HF_HUB_OFFLINE;
    else process.env.HF_HUB_OFFLINE = before;
  }
}

function metricsIn(plan: Plan, units: Hits, store: Store): FindMetric {
  const made = madeBy(plan, (node) => {
    const known = [...(units.get(node) ?? [])];
    return new Map(known.flatMap(([name, record]) => (record === null ? [] : [[name, madeUnit(record)] as const])));
  });
  return async (node, output) => {
    if (output === workOutput) return workIn(units, node, made);
    const record = units.get(node)?.get('');
    const artifact = record?.outputs[output];
    if (record == null || artifact === undefined) return { error: `stage '${node}' has yet to run` };
    const metrics = readJsonArtifact(await store.open(artifact), artifact, `the metrics of stage '${node}'`);
    return { key: record.key, digest: artifact.digest, metrics };
  };
}

/** What all took that `node` is made of, where all of it is in the store. */
function workIn(units: Hits, node: string, made: (node: string) => MadeUnit[]): MetricArtifact | MetricMissing {
  const own = [...(units.get(node)?.values() ?? [null])];
  // a unit whose inputs are not there has no key, and so no record
  if (own.includes(null)) return { error: `stage '${node}' has yet to run` };
  return { key: own.length === 1 ? (own[0]?.key ?? null) : null, digest: null, metrics: workMetrics(made(node)) };
}
