// What the processes that write into a store need of it: a file for each, which says what may not be collected while it lives.
import { appendFileSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import { namesIn } from '../util/names-in.ts';
import { statOrNone } from './file-identity.ts';
import type { Layout } from './layout.ts';
import { inFolder } from './make-folder.ts';
import { stateOfShortName } from './process-identity.ts';
import { temporaryName } from './temporary.ts';

/** Under this name the lease of a collection is taken: there is one at a time, and nothing is looked up meanwhile. */
export const collectionKey = 'gc';

const heartbeat_ms = 60_000;
/** A process that cannot be seen from here counts as gone after so long without a sign of life, by the clock of the file system. */
const silent_ms = 86_400_000;

/** The keys and blobs that this process has looked up, works on or publishes. */
export class InUse {
  readonly #layout: Layout;
  readonly #path: string;
  readonly #names = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#path = layout.inUse(temporaryName().replace(/\.tmp$/, ''));
  }

  /**
   * Says that these are needed from now on. A disk that does not take it (it may be full) leaves them unprotected: what is collected then is made
   * again.
   */
  add(names: readonly string[]): void {
    const fresh = names.filter((name) => !this.#names.has(name));
    if (fresh.length === 0) return;
    for (const name of fresh) this.#names.add(name);
    const write = () => appendFileSync(this.#path, fresh.map((name) => `${name}\n`).join(''));
    ignoringErrors(() => inFolder(this.#layout.folder, this.#layout.inUse(''), write));
    this.#timer ??= setInterval(() => ignoringErrors(() => this.#beat()), heartbeat_ms).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    ignoringErrors(() => rmSync(this.#path, { force: true }));
  }

  #beat(): void {
    const now = new Date();
    utimesSync(this.#path, now, now);
  }
}

/** The keys and blobs that living processes need. */
export function readInUse(layout: Layout): Set<string> {
  const living = namesIn(layout.inUse('')).filter((name) => !isGone(layout.inUse(name), name));
  return new Set(living.flatMap((name) => linesOf(layout.inUse(name))));
}

/** Removes what processes left that were killed. */
export function sweepInUse(layout: Layout): void {
  for (const name of namesIn(layout.inUse(''))) {
    if (isGone(layout.inUse(name), name)) ignoringErrors(() => rmSync(layout.inUse(name), { recursive: true }));
  }
}

function isGone(path: string, name: string): boolean {
  const state = stateOfShortName(name.split('.')[0] ?? '');
  if (state !== 'elsewhere') return state === 'dead';
  const stats = statOrNone(path);
  return stats !== undefined && Date.now() - Number(stats.mtimeMs) > silent_ms;
}

/** None for a file that went away meanwhile: its process has ended. */
function linesOf(path: string): string[] {
  let text = '';
  ignoringErrors(() => {
    text = readFileSync(path, 'utf8');
  });
  return text.split('\n').filter((line) => line !== '');
}

/** A blob's name: `<digest>-<size>`. */
export function blobName({ digest, size }: { digest: string; size: number }): string {
  return `${digest}-${size}`;
}
