// What the page weighs and how long its first view takes, over stores of few and of many runs: `node dist/bench/ui.js [10 10000]`.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOutcome } from '../cli/result/outcome-folder.ts';

import { loadPlan } from '../spec/plan/resolve.ts';
import { stageRegistry } from '../stages/registry.ts';
import { openFileStore } from '../store/file-store.ts';
import { encodePlan } from '../store/runs/plan-file.ts';
import { snapshotOf } from '../store/runs/plan-snapshot.ts';
import { keepLabels } from '../store/runs/run-labels.ts';
import { runName } from '../store/runs/run-names.ts';
import { keepEnd, keepStart } from '../store/runs/run-record.ts';
import { runFolder, saveRun } from '../store/runs/runs.ts';
import type { JsonObject } from '../util/json.ts';
import { median } from '../util/statistics.ts';
import { markdownTable } from './markdown-table.ts';
import { program, root } from './place.ts';

const rounds = 3;
const questions = 100;
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Runs like those of the quickstart, each with a learning rate of its own. */
async function makeRuns(store: string, count: number): Promise<void> {
  (await openFileStore(store, { mode: 'write' })).close();
  const result = readOutcome(join(root, 'results/quickstart/tiny'));
  const plans = await Promise.all(
    [1e-3, 5e-4, 2e-4, 1e-4, 5e-5].map((rate) => {
      const file = join(root, 'experiments/quickstart.yaml');
      const none = { only: [], force: [], profile: undefined, seed: undefined };
      const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 } as const;
      return loadPlan({ ...none, file, set: [`tuned.lr=${rate}`], numerics, cwd: root }, stageRegistry);
    }),
  );
  const kept = plans.map((plan) => encodePlan(snapshotOf(plan, stageRegistry)));
  const began_ms = Date.parse('2026-01-01T00:00:00Z');
  for (let i = 0; i < count; i++) {
    const run = runName(i + 1, new Date(began_ms + 600_000 * i));
    mkdirSync(runFolder(store, 'quickstart', run), { recursive: true });
    const { profile, spec } = result;
    const overrides = plans[i % plans.length]?.overrides ?? [];
    const started = new Date(began_ms + 600_000 * i).toISOString();
    const path = (name: string) => join(runFolder(store, 'quickstart', run), `${name}.json`);
    const common = { profile, spec, overrides };
    // what is written once is copied, without a flush for each of ten thousand files
    if (i === 0) keepStart(store, 'quickstart', run, { ...common, started, lamina: '0' });
    else writeFileSync(path('start'), copies.get('start') as Buffer);
    copies.set('start', copies.get('start') ?? readFileSync(path('start')));
    writeOnce(store, run, 'plan', kept[i % kept.length] as JsonObject, i % kept.length);
    writeOnce(store, run, 'result', { ...result, run, overrides } as unknown as JsonObject, i % 50);
    if (i === 0) {
      const end = { status: 'done', ended: started, duration_ms: 400_000, finished: 34, units: 34 } as const;
      const counts = { cells: 8, measured: 8, claims: { hold: 6, fail: 0, undecided: 0 }, failures: [], troubles: [] };
      keepEnd(store, 'quickstart', run, { ...end, ...counts });
      copies.set('end', readFileSync(path('end')));
    } else writeFileSync(path('end'), copies.get('end') as Buffer);
    if (i % 1000 === 7) keepLabels(store, 'quickstart', run, { name: null, tags: ['kept'], note: 'a note' });
  }
}

const copies = new Map<string, Buffer>();

/** A file of a run: sealed once for each `variant`, then copied. */
function writeOnce(store: string, run: string, name: string, value: JsonObject, variant: number): void {
  const known = copies.get(`${name}${variant}`);
  const path = join(runFolder(store, 'quickstart', run), `${name}.json`);
  if (known !== undefined) {
    writeFileSync(path, known);
    return;
  }
  saveRun(store, 'quickstart', run, name, value);
  copies.set(`${name}${variant}`, readFileSync(path));
}

interface Figures {
  runs: number;
  /** Bytes of all that the first view loads. */
  weight: number;
  first_ms: number[];
  /** Processor time of the server from the question to the answer. */
  cpu_ms: number[];
  painted_ms: number[];
  whole_ms: number;
  /** Resident memory of the server once all is read, and after 100 more questions. */
  rss_before: number;
  rss_after: number;
}

async function measure(store: string, runs: number): Promise<Figures> {
  const first_ms: number[] = [];
  const cpus_ms: number[] = [];
  const painted_ms: number[] = [];
  let [weight, whole_ms, rss_before, rss_after] = [0, 0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const { url, pid, stop } = await start(store);
    const [began_ms, cpu_ms] = [performance.now(), cpuOf(pid)];
    const page = await textOf(url);
    first_ms.push(performance.now() - began_ms);
    cpus_ms.push(cpuOf(pid) - cpu_ms);
    if (round === 0) {
      weight = await weightOf(url, page);
      while (!/>[\d]+ runs?</.test(await textOf(`${url}runs?part=1`))) await sleep(2000);
      whole_ms = performance.now() - began_ms;
      rss_before = rssOf(pid);
      for (let i = 0; i < questions; i++) await textOf(`${url}runs?part=1&page=${1 + (i % 20)}&q=${i % 7}`);
      rss_after = rssOf(pid);
    }
    await stop();
    const again = await start(store);
    const painted = await paintOf(again.url);
    if (painted !== undefined) painted_ms.push(painted);
    await again.stop();
  }
  return { runs, weight, first_ms, cpu_ms: cpus_ms, painted_ms, whole_ms, rss_before, rss_after };
}

async function start(store: string): Promise<{ url: string; pid: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [program, 'ui', '--store', store, '--port', '0'], { cwd: root });
  const url = await new Promise<string>((done, failed) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => done(text.trim()));
    child.on('exit', (code) => failed(new Error(`lamina ui ended with ${code}`)));
  });
  const ended = new Promise<void>((done) => child.on('exit', () => done()));
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
  };
  return { url, pid: child.pid ?? 0, stop };
}

async function textOf(url: string): Promise<string> {
  const answer = await fetch(url);
  return answer.text();
}

/** The page with every file that it names, and those that these import. */
async function weightOf(url: string, page: string): Promise<number> {
  const names = new Set([...page.matchAll(/(?:href|src)="(\/page\/[^"]+)"/g)].map(([, name]) => name as string));
  let bytes = Buffer.byteLength(page);
  for (const name of names) {
    const text = await textOf(new URL(name, url).href);
    bytes += Buffer.byteLength(text);
    for (const [, other] of text.matchAll(/from '\.\/([a-z-]+\.js)'/g)) names.add(`/page/${other}`);
  }
  return bytes;
}

/** In ms; the kernel counts in hundredths of a second. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function rssOf(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Number(pages) * 4096;
}

/** From the browser's request to the first picture with content; undefined where there is no browser. */
async function paintOf(url: string): Promise<number | undefined> {
  try {
    const { chromium } = await import('playwright-core');
    const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await page.waitForSelector('table.runs');
      await page.waitForFunction("performance.getEntriesByName('first-contentful-paint').length > 0");
      return (await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")) as number;
    } finally {
      await browser.close();
    }
  } catch (error) {
    process.stderr.write(`no browser: ${error instanceof Error ? error.message.split('\n')[0] : error}\n`);
    return undefined;
  }
}

function row({ runs, weight, first_ms, cpu_ms, painted_ms, whole_ms, rss_before, rss_after }: Figures): string[] {
  const ms = (values: readonly number[]) =>
    values.length === 0 ? '' : `${Math.round(median([...values]))} (${Math.round(Math.max(...values))})`;
  const MB = (bytes: number) => `${Math.round(bytes / 1e6)}`;
  return [
    String(runs),
    (weight / 1000).toFixed(0),
    ms(first_ms),
    ms(cpu_ms),
    ms(painted_ms),
    (whole_ms / 1000).toFixed(1),
    MB(rss_before),
    MB(rss_after),
  ];
}

const counts = process.argv.slice(2).map(Number);
const rows: string[][] = [];
for (const count of counts.length > 0 ? counts : [10, 10_000]) {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-bench-ui-'));
  try {
    await makeRuns(join(folder, 'store'), count);
    copies.clear();
    rows.push(row(await measure(join(folder, 'store'), count)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const heads = [
  'runs',
  'weight, kB',
  'answer, ms',
  'its CPU, ms',
  'painted, ms',
  'all read, s',
  'memory, MB',
  'after 100 questions, MB',
];
process.stdout.write(`${markdownTable(heads, rows)}\n`);
