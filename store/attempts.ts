// The folders in which attempts work, and the removal of what dead ones left.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import { isObject, type JsonObject } from '../util/json.ts';
import { namesIn } from '../util/names-in.ts';
import { type Layout, layoutOf } from './layout.ts';
import { logOf, prepareLog, settleLog } from './logs.ts';
import { makeFolder } from './make-folder.ts';
import { identityOf, type ProcessIdentity, parseIdentity, sameProcess, stateOf } from './process-identity.ts';
import type { Attempt, OpenedAttempt } from './store.ts';
import { hasEnded, type TaskRef, taskOf } from './submissions.ts';
import { traceOf } from './traces.ts';

const workerName = 'worker.json';
const orderName = 'order.json';

/** Whose attempt it is. */
interface Owners {
  /** Who carries it out, in the words of its executor. */
  carrier: JsonObject;
  runner: ProcessIdentity;
  /** The key that the attempt goes by. */
  first: string;
}

/**
 * Makes the folders of a new attempt, after removing those of earlier attempts at the same keys. Undefined, with nothing done, while
 * another runner that lives works on one of them: a lease can get lost, the work behind it must not.
 */
export async function openAttempt(
  layout: Layout,
  keys: readonly string[],
  order: JsonObject,
): Promise<Attempt | undefined> {
  if (keys.some((key) => isWorkedOn(layout, key))) return undefined;
  const id = randomUUID();
  const folderOf = (key: string) => join(layout.attempts(key), id);
  for (const key of keys) {
    for (const old of namesIn(layout.attempts(key))) await removeAttempt(join(layout.attempts(key), old));
    makeFolder(layout.folder, folderOf(key));
    makeFolder(layout.folder, layout.scratch(key));
  }
  prepareLog(layout, keys[0] as string);
  const attempt = attemptIn(layout, id, keys);
  attempt.carriedBy({}); // first of all, so that it is this runner's
  writeFileSync(join(folderOf(keys[0] as string), orderName), JSON.stringify({ keys, order }));
  return attempt;
}

/** The attempt that was opened with `key` as its first key; there is never more than one, for opening removes what was before. */
export function takeUp(layout: Layout, key: string): OpenedAttempt | undefined {
  for (const id of namesIn(layout.attempts(key))) {
    const kept = readJson(join(layout.attempts(key), id, orderName));
    if (!isObject(kept) || !isObject(kept.order) || !Array.isArray(kept.keys)) continue;
    const carrier = readOwners(join(layout.attempts(key), id))?.carrier ?? {};
    return { attempt: attemptIn(layout, id, kept.keys as string[]), order: kept.order as JsonObject, carrier };
  }
  return undefined;
}

/** The attempt at `key` that a batch system has and nobody waits for; undefined when there is none. */
export function leftBehind(layout: Layout, key: string): OpenedAttempt | undefined {
  for (const id of namesIn(layout.attempts(key))) {
    const owners = readOwners(join(layout.attempts(key), id));
    if (owners === undefined || !isWithBatch(layout, owners)) continue;
    const opened = takeUp(layout, owners.first);
    if (opened?.attempt.id === id) return opened;
  }
  return undefined;
}

/** True while a batch system may have it: it was given to one, and has not said its last. */
function isWithBatch(layout: Layout, { carrier }: Owners): boolean {
  return taskOf(carrier) !== undefined && !hasEnded(layout, carrier);
}

function attemptIn(layout: Layout, id: string, keys: readonly string[]): Attempt {
  const folderOf = (key: string) => join(layout.attempts(key), id);
  return {
    id,
    keys,
    folder: folderOf(keys[0] as string),
    log: logOf(layout, keys[0] as string, id),
    output: (key, name, extension) => join(folderOf(key), `${name}.${extension}`),
    scratch: (key) => layout.scratch(key),
    trace: (key) => traceOf(layout, key, id),
    carriedBy(worker) {
      const owners = JSON.stringify({ worker, runner: identityOf(), first: keys[0] });
      for (const key of keys) writeWhole(join(folderOf(key), workerName), owners);
    },
  };
}

/** True while another runner that lives has an attempt at `key`, whatever became of its lease. */
export function isWorkedOn(layout: Layout, key: string): boolean {
  return namesIn(layout.attempts(key)).some((name) => {
    const runner = readOwners(join(layout.attempts(key), name))?.runner;
    return runner !== undefined && stateOf(runner) === 'alive' && !sameProcess(runner, identityOf());
  });
}

/** An attempt that has not ended, and what it is to do. */
export interface LivingAttempt {
  id: string;
  log: string;
  order: JsonObject;
}

/** The attempts in the store's folder whose runners live, as far as can be seen from here, or that a batch system has. */
export function livingAttempts(store: string): LivingAttempt[] {
  const layout = layoutOf(store);
  return namesIn(layout.attempts('')).flatMap((key) => {
    const owners = namesIn(layout.attempts(key)).flatMap((id) => readOwners(join(layout.attempts(key), id)) ?? []);
    const isLiving = owners.some((each) => stateOf(each.runner) !== 'dead' || isWithBatch(layout, each));
    const found = isLiving ? takeUp(layout, key) : undefined;
    return found === undefined ? [] : [{ id: found.attempt.id, log: found.attempt.log, order: found.order }];
  });
}

/** Removes an attempt's folders; its log stays. What cannot be removed is left to a later sweep. */
export async function closeAttempt(layout: Layout, attempt: Attempt): Promise<void> {
  await settleLog(layout, attempt.log, attempt.keys);
  for (const key of attempt.keys) {
    const folder = join(layout.attempts(key), attempt.id);
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    for (const each of [layout.attempts(key), layout.scratch(key)]) await rmdir(each).catch(() => {}); // not empty, or not there
  }
}

/** Removes what attempts of dead processes left; `isHeld` tells whether somebody alive works on a key. */
export async function sweepAttempts(layout: Layout, isHeld: (key: string) => boolean): Promise<void> {
  const keys = ['attempts', 'scratch'].flatMap((name) => namesIn(join(layout.folder, name)));
  for (const key of new Set(keys)) {
    // Listed before the lease is asked for: what a new holder makes later is not in the list.
    const old = namesIn(layout.attempts(key));
    if (isHeld(key)) continue;
    for (const name of old) {
      const folder = join(layout.attempts(key), name);
      if (!isAlive(layout, folder, key)) await removeAttempt(folder);
    }
    removeIfEmpty(layout.attempts(key));
    if (namesIn(layout.attempts(key)).length > 0) continue; // what works there may not have kept anything yet
    if (!isHeld(key)) sweepScratch(layout, key); // asked again: stopping a worker takes its time
  }
}

/** A state to go on from is kept, unless its key has a result: whoever published that was killed before it was removed. */
function sweepScratch(layout: Layout, key: string): void {
  if (!existsSync(layout.record(key))) removeIfEmpty(layout.scratch(key));
  else ignoringErrors(() => rmSync(layout.scratch(key), { recursive: true, force: true }));
}

/** What a batch system has goes on without its runner. */
function isAlive(layout: Layout, folder: string, key: string): boolean {
  const owners = readOwners(folder);
  if (owners === undefined) return false;
  return stateOf(owners.runner) === 'alive' || isOpen(layout, owners, basename(folder), key);
}

/** True while a batch system may have an attempt and it is not done: until all its units have results or, where these are made anew, its job has said its last. */
function isOpen(layout: Layout, owners: Owners, id: string, key: string): boolean {
  if (!isWithBatch(layout, owners)) return false;
  const opened = takeUp(layout, owners.first);
  const isWhole = opened?.attempt.id === id;
  if (isWhole && opened.order.replace === true) return true;
  return (isWhole ? opened.attempt.keys : [key]).some((each) => !existsSync(layout.record(each)));
}

/** An attempt that a batch system may have, and what is known of who ordered it. */
export interface OpenJob extends OpenedAttempt {
  task: TaskRef;
  runner: ReturnType<typeof stateOf>;
}

/** The attempts that batch systems may have and that are not done, whether anybody waits for them or not. */
export function openJobs(layout: Layout): OpenJob[] {
  return namesIn(layout.attempts('')).flatMap((key) =>
    namesIn(layout.attempts(key)).flatMap((id): OpenJob[] => {
      const owners = readOwners(join(layout.attempts(key), id));
      const task = owners?.first === key && isOpen(layout, owners, id, key) ? taskOf(owners.carrier) : undefined;
      const opened = task === undefined ? undefined : takeUp(layout, key);
      if (owners === undefined || task === undefined || opened?.attempt.id !== id) return [];
      return [{ ...opened, task, runner: stateOf(owners.runner) }];
    }),
  );
}

/**
 * A worker may outlive its killed runner by one native call: it is stopped first, for it could still write. Only the worker of a runner
 * that is certainly dead is: one whose runner cannot be seen from here cannot be told from one that is at work.
 */
async function removeAttempt(folder: string): Promise<void> {
  const { runner, carrier } = readOwners(folder) ?? {};
  const worker = parseIdentity(carrier);
  if (runner && worker && stateOf(runner) === 'dead' && stateOf(worker) === 'alive') await stop(worker);
  ignoringErrors(() => rmSync(folder, { recursive: true, force: true }));
}

async function stop(worker: ProcessIdentity): Promise<void> {
  try {
    process.kill(worker.pid, 'SIGKILL');
  } catch {
    return;
  }
  for (let i = 0; i < 500 && stateOf(worker) === 'alive'; i++) await new Promise((done) => setTimeout(done, 10));
}

/** Whoever carries an attempt out may read this while it is written. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
}

function readOwners(folder: string): Owners | undefined {
  const value = readJson(join(folder, workerName));
  const runner = isObject(value) ? parseIdentity(value.runner) : undefined;
  if (!isObject(value) || runner === undefined) return undefined;
  const carrier = isObject(value.worker) ? (value.worker as JsonObject) : {};
  return { carrier, runner, first: typeof value.first === 'string' ? value.first : '' };
}

/** Undefined for what is not there, or was not written to its end. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not empty, or not there: both are fine.
  }
}
