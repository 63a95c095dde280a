// The numbers of a spec that the store holds already; nothing is run for them.
import type { Plan } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import type { DiffResult } from '../../report/diff/side.ts';
import { collectResult, type FindMetric } from '../../report/result/collect.ts';
import { inspectSurvey } from '../../runner/survey/inspect.ts';
import { groupWarnings, type NodeWarning } from '../../spec/plan/warnings.ts';
import { openStore } from '../../store/open-store.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import type { StoreRecord } from '../../store/record.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';

/** The numbers and verdicts of a plan; a sentence when none of its numbers is known. */
export async function knownResult(plan: Plan, registry: StageRegistry, folder: string): Promise<DiffResult | string> {
  const store = await openStore(folder, { mode: 'read' });
  try {
    const { records, warned } = await hits(plan, registry, store);
    const summary = { cached: 0, ran: 0, failed: 0, blocked: 0, duration_ms: 0 };
    const facts = { run: '', spec: plan.file, summary, warnings: groupWarnings(plan, warned) };
    const result = await collectResult(plan, facts, metricsIn(records, store));
    const known = result.cells.some((cell) => cell.value !== null);
    return known ? result : `none of its numbers is in '${folder}'`;
  } catch (error) {
    // a model or data set that is not here has no numbers here
    if (error instanceof UserError) return error.message;
    throw error;
  } finally {
    store.close();
  }
}

/** The records of the nodes without units whose results are in the store, and what all stages warn of. */
async function hits(
  plan: Plan,
  registry: StageRegistry,
  store: Store,
): Promise<{ records: ReadonlyMap<string, StoreRecord>; warned: readonly NodeWarning[] }> {
  const { inspection, survey } = await offline(() => inspectSurvey(plan, registry, store, 'waits'));
  const records = new Map<string, StoreRecord>();
  for (const { node, unit, record } of inspection.items)
    if (unit === '' && record !== null) records.set(node.id, record);
  return { records, warned: survey.warnings() };
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

function metricsIn(records: ReadonlyMap<string, StoreRecord>, store: Store): FindMetric {
  return async (node, output) => {
    const record = records.get(node);
    const artifact = record?.outputs[output];
    if (record === undefined || artifact === undefined) return { error: `stage '${node}' has yet to run` };
    const metrics = readJsonArtifact(await store.open(artifact), artifact, `the metrics of stage '${node}'`);
    return { key: record.key, digest: artifact.digest, metrics };
  };
}
