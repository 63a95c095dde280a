// A store with runs as the page may find them: done, failed, died, damaged, with hostile names; no stage is run for it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../../cli/common/context.ts';
import { readOutcome } from '../../cli/result/outcome-folder.ts';
import { factsOf } from '../../cli/ui/facts.ts';
import { plainPaint } from '../../report/numbers/paint.ts';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { openFileStore } from '../../store/file-store.ts';
import { layoutOf } from '../../store/layout.ts';
import { encodePlan } from '../../store/runs/plan-file.ts';
import { snapshotOf } from '../../store/runs/plan-snapshot.ts';
import { keepLabels } from '../../store/runs/run-labels.ts';
import { keepLive } from '../../store/runs/run-live.ts';
import { keepEnd, keepStart } from '../../store/runs/run-record.ts';
import { runFolder, saveRun } from '../../store/runs/runs.ts';
import { TraceWriter, traceOf } from '../../store/traces.ts';
import { uiServer } from '../../ui/server/server.ts';
import type { JsonObject } from '../../util/json.ts';

const root = resolve(import.meta.dirname, '../..');
export const hostile = '<img src=x onerror="document.title=\'caught\'">';

/** Names of the runs that `madeStore` makes; the last is under way in this process. */
export const runs = {
  first: '1-2026-11-01T10-00-00Z',
  second: '2-2026-11-02T10-00-00Z',
  failed: '3-2026-11-03T10-00-00Z',
  damaged: '4-2026-11-04T10-00-00Z',
  running: '5-2026-11-05T10-00-00Z',
} as const;
type RunName = (typeof runs)[keyof typeof runs];

export const keyOf = (unit: number) => `${unit}`.padStart(64, 'a');

async function planWith(rate: number) {
  const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 } as const;
  const set = [`tuned.lr=${rate}`];
  return loadPlan({ file: 'experiments/quickstart.yaml', set, numerics, cwd: root }, stageRegistry);
}

/** Fills a folder of its own; `remove` deletes it. */
export async function madeStore(): Promise<{ store: string; remove(): void }> {
  const store = join(mkdtempSync(join(tmpdir(), 'lamina-ui-')), 'store');
  (await openFileStore(store, { mode: 'write' })).close();
  const result = readOutcome(join(root, 'results/quickstart/tiny'));
  const common = { profile: 'tiny', spec: 'experiments/quickstart.yaml', lamina: '0' };
  const counts = { finished: 34, units: 34, cells: 8, measured: 8, claims: { hold: 5, fail: 1, undecided: 0 } };
  const ends = { ...counts, failures: [], troubles: [] };
  const begin = async (run: RunName, rate: number) => {
    mkdirSync(runFolder(store, 'quickstart', run), { recursive: true });
    const overrides = [`--set tuned.lr=${rate}`];
    const started = `${run.slice(2, 12)}T10:00:00Z`;
    keepStart(store, 'quickstart', run, { ...common, overrides, started });
    const plan = await planWith(rate);
    saveRun(store, 'quickstart', run, 'plan', encodePlan(snapshotOf(plan, stageRegistry)));
    return { plan, overrides };
  };
  const end = (run: RunName, status: 'done' | 'failed', more = {}) =>
    keepEnd(store, 'quickstart', run, { status, ended: '2026-11-02T11:00:00Z', duration_ms: 61_000, ...ends, ...more });
  for (const [run, rate, shift] of [
    [runs.first, 1e-3, 0],
    [runs.second, 1e-4, 0.5],
  ] as const) {
    const { plan, overrides } = await begin(run, rate);
    const cells = result.cells.map((cell) => ({ ...cell, value: (cell.value ?? 0) + shift }));
    saveRun(store, 'quickstart', run, 'result', { ...result, run, overrides, cells } as unknown as JsonObject);
    saveRun(store, 'quickstart', run, 'outcome', outcomeOf(plan.nodes) as JsonObject);
    end(run, 'done');
  }
  keepLabels(store, 'quickstart', runs.second, { name: 'low', tags: ['trial'], note: hostile });
  await begin(runs.failed, 1e-2);
  const failure = { node: 'base', stage: 'base', cell: '', units: [''], keys: [keyOf(99)], reason: 'bug', log: null };
  end(runs.failed, 'failed', { failures: [{ ...failure, message: `stage 'base' ${hostile}` }] });
  await begin(runs.damaged, 1e-2);
  writeFileSync(join(runFolder(store, 'quickstart', runs.damaged), 'end.json'), '{"format": "lamina-run-end", ');
  const { plan } = await begin(runs.running, 2e-4);
  await keepLive(store, 'quickstart', runs.running, liveOf(plan.nodes));
  for (let unit = 1; unit <= 5; unit++) writeTrace(store, keyOf(unit), unit);
  const log = join(layoutOf(store).logsOf(keyOf(99)), 'attempt.log');
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(log, `one line\n${hostile}\n`);
  return { store, remove: () => rmSync(dirname(store), { recursive: true, force: true }) };
}

type Nodes = readonly { id: string; stage: string; use: string; cell: string }[];

/** Five pairs of the warm-up, the last of them fitted badly. */
function outcomeOf(nodes: Nodes) {
  const losses = [5, 6, 7, 8, 140];
  const pair = (i: number) => `${2 * i + 2}→${2 * i + 3}`;
  const units = (node: Nodes[number]) => {
    const one = { status: 'ran', unit: '', key: keyOf(50), outputs: {}, facts: {}, duration_ms: 1, warnings: [] };
    if (node.use !== 'slw') return [{ ...one, facts: node.use === 'load' ? { layers: 12 } : {} }];
    return losses.map((last_loss, i) => {
      const facts = { map: `${2 * i + 2}:${2 * i + 3}`, first_loss: 200, last_loss };
      return { ...one, unit: pair(i), key: keyOf(i + 1), facts };
    });
  };
  return { status: 'done', nodes: nodes.map((node) => ({ ...node, node: node.id, units: units(node) })), failures: [] };
}

function liveOf(nodes: Nodes) {
  const counts = { units: 1, cached: 0, ran: 0, running: 0, failed: 0, blocked: 0, keys: {} };
  return {
    ...{ updated: '2026-11-05T10:01:00Z', elapsed_ms: 60_000, units: 34, finished: 5, ran: 5, left_ms: 120_000 },
    nodes: nodes.map(({ id, use }) => ({
      node: id,
      ...counts,
      ...(use === 'slw' ? { units: 5, running: 1, ran: 2 } : {}),
    })),
    running: [{ node: 'warm[data=dialogsum]', unit: '2→3', done: 30, total: 120, of: 'step', note: 'loss 4.2' }],
  };
}

function writeTrace(store: string, key: string, scale: number): void {
  const writer = new TraceWriter(traceOf(layoutOf(store), key, 'attempt'));
  for (let step = 1; step <= 60; step++)
    writer.add({ step, total: 60, time_ms: 100 * step, loss: (10 * scale) / step, tokens: 128 * step });
}

export interface Started {
  url: string;
  /** What the server called a bug. */
  bugs: unknown[];
  stop(): Promise<void>;
}

/** A server over a store, on a port of its own. */
export async function startUi(store: string): Promise<Started> {
  const output = { write: () => {}, live: false, width: () => undefined, paint: plainPaint };
  const terminal = { out: output, err: output };
  const context: Context = {
    registry: async () => stageRegistry,
    worker: new URL('file:///nowhere'),
    job: new URL('file:///nowhere'),
    argv: [],
    terminal,
  };
  const opened = await openFileStore(store, { mode: 'read' });
  const facts = factsOf(opened, store, context);
  const bugs: unknown[] = [];
  const { server, close } = uiServer(facts, (error) => bugs.push(error));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    await close();
    facts.close();
    opened.close();
  };
  return { url: `http://127.0.0.1:${port}`, bugs, stop };
}
