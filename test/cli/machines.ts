// Machines that share a store: a folder is one machine, another folder or a server what they share.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { namesIn } from '../../util/names-in.ts';
import { startProxy } from '../store/remote/faulty-proxy.ts';
import { startToy } from '../store/remote/toy-s3.ts';
import { toyWith } from './in-process.ts';
import { type Ended, fixtures, workFolder } from './program.ts';

export const secret = 'a-secret-that-is-never-printed';
export const keys = {
  AWS_ACCESS_KEY_ID: 'the-key-id-that-is-never-printed',
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_SESSION_TOKEN: 'the-token-that-is-never-printed',
};

/** With fewer tries than usual, which take seconds where nobody answers. */
export const environment = { ...keys, AWS_MAX_ATTEMPTS: '2' };

/** A project of its own, with its own store. */
export function machine(): string {
  const work = workFolder();
  onTestFinished(() => work.remove());
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) copyFileSync(join(fixtures, name), join(work.path, name));
  return work.path;
}

export function sharedFolder(): { folder: string; url: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-shared-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, url: `file://${folder}` };
}

/** A server, and a network between. */
export async function online() {
  const server = await startToy();
  const proxy = await startProxy(server.endpoint);
  onTestFinished(async () => {
    await proxy.stop();
    await server.stop();
  });
  return { server, proxy, url: `s3://results/lamina?endpoint=${encodeURIComponent(proxy.endpoint)}` };
}

/** Gives one machine a command of the toy program. */
export const give = (folder: string, ...words: string[]): Promise<Ended> => toyWith(environment, folder, ...words);
/** The same of `run toy.yaml`, not in the second in which another machine ran with the same shared store. */
export const run = async (folder: string, ...words: string[]): Promise<Ended> => {
  const url = words.find((word) => word.includes('://')) ?? '';
  const last = lastRuns.get(url);
  if (last !== undefined && last.folder !== folder) while (thisSecond() === last.second) await sleep(5);
  const ended = await give(folder, 'run', 'toy.yaml', ...words);
  lastRuns.set(url, { folder, second: thisSecond() });
  return ended;
};

/**
 * By shared store: the machine that ran last, and in which second it ended. Runs of two machines that begin in one second have one name, and the
 * other one is not written to the shared store.
 */
const lastRuns = new Map<string, { folder: string; second: number }>();
const thisSecond = () => Math.floor(Date.now() / 1000);

/** What a run with --json did. */
export function summaryOf(folder: string, { out }: Ended): { cached: number; ran: number } {
  const { run } = JSON.parse(out) as { run: string };
  return JSON.parse(readFileSync(join(folder, '.lamina/runs/toy', run, 'outcome.json'), 'utf8')).summary;
}

/** All files below a folder, from which others may take some away meanwhile. */
export function filesBelow(folder: string): string[] {
  return namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isDirectory() ? filesBelow(path) : stats === undefined ? [] : [path];
  });
}

/** Files of a shared folder whose path below it begins so. */
export function countOf(shared: string, beginning: string): number {
  return filesBelow(shared).filter((path) => path.startsWith(join(shared, beginning))).length;
}

/** Two cells, and two parts that both read. */
export const units = 4;
