// The price of not believing a disk: what reading inputs over costs, for the quickstart and for a store of 10 GB.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JobArtifact } from '../runner/attempt/protocol.ts';
import { readInputs } from '../runner/worker/inputs.ts';
import { type BlobRef, digestFile } from '../store/digest.ts';
import { openFileStore } from '../store/file-store.ts';
import { cacheKey, type KeyPreimage } from '../store/key.ts';
import type { StoreRecord } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import { formatBytes } from '../util/amounts.ts';
import { median } from '../util/statistics.ts';
import { figure } from './figures.ts';
import { markdownTable } from './markdown-table.ts';
import { program, root } from './place.ts';
import { mustRun } from './whole-process.ts';

export interface StoreSettings {
  rounds: number;
  /** Of the synthetic store. */
  bytes: number;
}

/** What was read, and how long that took in each round. */
export interface StoreRow {
  what: string;
  files: number;
  bytes: number;
  times_ms: number[];
  /** Processor time, all threads together. */
  cpus_ms: number[];
}

export interface StoreResult {
  rows: StoreRow[];
  /** The run of the quickstart from an empty store. */
  quickstart_ms: number;
}

const block = 64 * 1024 * 1024;

/** Measures in a temporary folder, which takes twice the room of the synthetic store for a moment. */
export async function benchStore(settings: StoreSettings, say: (line: string) => void): Promise<StoreResult> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-bench-'));
  try {
    const quickstart = await measureQuickstart(join(folder, 'quickstart'), settings.rounds, say);
    return { ...quickstart, rows: [...quickstart.rows, ...(await measureLarge(join(folder, 'large'), settings, say))] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureQuickstart(folder: string, rounds: number, say: (line: string) => void): Promise<StoreResult> {
  say('store: the quickstart from an empty store');
  const spec = join(root, 'experiments', 'quickstart.yaml');
  const args = [program, 'run', spec, '--store', folder];
  const { wall_ms } = await mustRun({ program: process.execPath, args, cwd: dirname(folder) });
  const store = await openFileStore(folder, { mode: 'read' });
  const records: StoreRecord[] = [];
  for await (const record of store.records()) records.push(record);
  const attempts = await Promise.all(records.map((record) => inputsOf(record, store)));
  const outputs = records.flatMap((record) => Object.values(record.outputs));
  const metrics = records.filter(({ preimage }) => preimage.stage === 'perplexity-eval');
  const shown = metrics.flatMap((record) => Object.values(record.outputs));
  const rows = [
    row('quickstart, from empty: the inputs of every attempt', attempts.flat()),
    row('quickstart, all cached: the metrics that the table shows', shown),
    row('quickstart: every artifact once', outputs),
  ];
  await measureRows(rows, rounds, [
    async () => {
      for (const inputs of attempts) await readInputs(inputs, new AbortController().signal);
    },
    () => checkAll(store, shown),
    () => checkAll(store, outputs),
  ]);
  return { rows, quickstart_ms: wall_ms };
}

/** Times each row's work in turn, round by round; the first round is not counted. */
async function measureRows(rows: readonly StoreRow[], rounds: number, works: readonly (() => Promise<unknown>)[]) {
  for (let round = 0; round <= rounds; round++) {
    for (const [i, work] of works.entries()) {
      const [start_ms, start] = [performance.now(), process.cpuUsage()];
      await work();
      const { user, system } = process.cpuUsage(start);
      if (round === 0) continue;
      rows[i]?.times_ms.push(performance.now() - start_ms);
      rows[i]?.cpus_ms.push((user + system) / 1000);
    }
  }
}

/** The files that an attempt at a record's key reads, none of them read before. */
function inputsOf({ preimage }: StoreRecord, store: Store): Promise<JobArtifact[]> {
  const refs = Object.values(preimage.inputs).flatMap((input) => {
    return 'units' in input ? Object.values(input.units) : [input];
  });
  return Promise.all(refs.map((ref) => asRead(store, ref, null)));
}

async function asRead(store: Store, ref: BlobRef, known: string | null): Promise<JobArtifact> {
  return { ...ref, ...(await store.open(ref)), known };
}

async function checkAll(store: Store, refs: readonly BlobRef[]): Promise<void> {
  for (const ref of refs)
    if ((await store.check(ref, 'bytes')) !== undefined) throw new Error('an artifact is damaged');
}

/** One checkpoint with four fifths of the bytes; activations of 10 MB have the rest. */
async function measureLarge(
  folder: string,
  { rounds, bytes }: StoreSettings,
  say: (line: string) => void,
): Promise<StoreRow[]> {
  say(`store: writing ${formatBytes(bytes)}`);
  const store = await openFileStore(folder, { mode: 'write' });
  const checkpoint = await put(store, 'checkpoint', 0.8 * bytes);
  const activations: BlobRef[] = [];
  for (let i = 0; i < (0.2 * bytes) / 1e7; i++) activations.push(await put(store, `activations ${i}`, 1e7));
  const size = formatBytes(bytes);
  const [activation] = activations as [BlobRef];
  const rows = [
    row(`${size}: a large input, the first time on a host and once a week`, [checkpoint]),
    row(`${size}: a large input, every other time`, [checkpoint]),
    row(`${size}: a small input of 10 MB, every time`, [activation]),
    row(`${size}: everything`, [checkpoint, ...activations]),
  ];
  const read = async (ref: BlobRef, known: string | null) => readInputs([await asRead(store, ref, known)], signal);
  const { signal } = new AbortController();
  say('store: reading it over');
  await measureRows(rows, Math.ceil(rounds / 3), [
    () => read(checkpoint, null),
    () => read(checkpoint, store.known(checkpoint) ?? null),
    () => read(activation, null),
    () => checkAll(store, [checkpoint, ...activations]),
  ]);
  store.close();
  return rows;
}

/** Publishes an artifact of random bytes. */
async function put(store: Store, name: string, size: number): Promise<BlobRef> {
  const preimage: KeyPreimage = {
    t: 'action/1',
    stage: 'bench',
    version: 1,
    params: { name },
    inputs: {},
    sources: {},
  };
  const key = cacheKey(preimage);
  const attempt = await store.openAttempt([key], {});
  if (attempt === undefined) throw new Error('somebody works on the key');
  const path = attempt.output(key, 'out', 'bin');
  writeRandom(path, Math.round(size));
  const ref = await digestFile(path);
  const names = { experiment: 'bench', node: 'bench', stage: 'bench', cell: '', unit: '' };
  const about = {
    ...names,
    started: new Date().toISOString(),
    duration_ms: 0,
    peak_rss_bytes: 0,
    host: '',
    versions: {},
  };
  const outputs = { out: { ...ref, extension: 'bin', path } };
  await store.publish({ key, preimage, outputs, trusted: [], facts: {}, about, replace: false });
  store.closeAttempt(attempt);
  return ref;
}

function writeRandom(path: string, size: number): void {
  const bytes = randomBytes(Math.min(size, block));
  const handle = openSync(path, 'w');
  for (let at = 0; at < size; at += bytes.length) writeSync(handle, bytes, 0, Math.min(bytes.length, size - at));
  closeSync(handle);
}

function row(what: string, refs: readonly BlobRef[]): StoreRow {
  return { what, files: refs.length, bytes: refs.reduce((sum, { size }) => sum + size, 0), times_ms: [], cpus_ms: [] };
}

/** The results as Markdown. */
export function storeReport({ rows, quickstart_ms }: StoreResult): string {
  const seconds = (times_ms: readonly number[]) => figure(median(times_ms) / 1000);
  const body = rows.map(({ what, files, bytes, times_ms, cpus_ms }) => {
    return [what, String(files), formatBytes(bytes), seconds(times_ms), seconds(cpus_ms)];
  });
  const whole = `The run of the quickstart from empty took ${figure(quickstart_ms / 1000)} s.`;
  return `${markdownTable(['what is read over', 'files', 'bytes', 'seconds', 'CPU seconds'], body)}\n\n${whole}`;
}
