// What goes to a shared store for people: runs that have ended, and the logs of attempts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { namesIn } from '../../util/names-in.ts';
import { fileError } from '../../util/system-error.ts';
import { type BlobRef, sha256 } from '../digest.ts';
import { layoutOf } from '../layout.ts';
import { type KeptLog, logsOf } from '../logs.ts';
import { runFolder } from '../runs/runs.ts';
import type { Link } from './link.ts';
import { largestLog_bytes, pointerText } from './log-pointer.ts';
import { blobAt, logAt, logsFolder, runFolderAt } from './names.ts';
import type { Outbound } from './outbound.ts';
import { isFileOfRun, largestRunFile_bytes } from './runs-there.ts';

/** Keys whose logs are held and sent at once: a log may have megabytes. */
const keysAtOnce = 16;

export class RunsOut {
  readonly #store: string;
  readonly #link: Link;
  readonly #outbound: Outbound;
  readonly #say: (sentence: string) => void;
  /** Keys whose logs are there: runs of one experiment have most of theirs in common. */
  readonly #shared = new Set<string>();

  /** `store` is the folder of the local one. */
  constructor(store: string, link: Link, outbound: Outbound, say: (sentence: string) => void) {
    this.#store = store;
    this.#link = link;
    this.#outbound = outbound;
    this.#say = say;
  }

  /** Writes a run, its end last; false for one that has not ended, and where the place does not take it now. */
  async sendRun(experiment: string, run: string): Promise<boolean> {
    const folder = runFolder(this.#store, experiment, run);
    const names = namesIn(folder).filter(isFileOfRun);
    const at = (name: string) => runFolderAt(experiment, run) + name;
    if (!names.includes('end.json') || !(await this.#outbound.mark())) return false;
    if (!(await this.#claim(at('start.json'), join(folder, 'start.json'), `${experiment}@${run}`))) return false;
    const isThere = (await this.#link.ask('read', (bucket) => bucket.size(at('end.json')), undefined)) !== undefined;
    const early = names.filter((name) => !['start.json', 'end.json', 'labels.json'].includes(name));
    const wanted = [...(isThere ? [] : early), ...names.filter((name) => name === 'labels.json')];
    const sent = await Promise.all(wanted.map((name) => this.#write(at(name), bytesIn(join(folder, name)))));
    if (sent.includes(false)) return false;
    return isThere || this.#write(at('end.json'), bytesIn(join(folder, 'end.json')));
  }

  /** Writes the logs of attempts at these keys that have ended, as far as they are here and not there; a key that was asked about before is left alone. */
  async sendLogs(keys: readonly string[]): Promise<boolean> {
    const open = [...new Set(keys)].filter((key) => !this.#shared.has(key) && this.#ended(key).length > 0);
    if (open.length === 0) return true;
    if (!(await this.#outbound.mark())) return false;
    const sent = await pLimit(keysAtOnce).map(open, (key) => this.#sendLogsOf(key));
    return !sent.includes(false);
  }

  /** Two machines may begin their runs of one number in the same second: who comes first has the name. */
  async #claim(name: string, path: string, what: string): Promise<boolean> {
    if (!existsSync(path)) return true; // of before beginnings were kept
    const bytes = bytesIn(path);
    const read = () => this.#link.ask('read', (bucket) => bucket.read(name, largestRunFile_bytes), undefined);
    const isCareful = (await this.#outbound.conditions()) === 'one-wins';
    const earlier = await read();
    if (earlier === undefined) {
      const writing = isCareful ? 'unless-there' : 'always';
      const written = await this.#link.ask('write', (bucket) => bucket.write(name, bytes, writing), undefined);
      if (written !== 'there') return written === 'written';
    }
    const there = earlier ?? (await read());
    if (there?.equals(bytes)) return true;
    if (there !== undefined)
      this.#say(`'${this.#link.bucket.name}' has another run '${what}': this one is not written there`);
    return false;
  }

  async #write(name: string, bytes: Buffer): Promise<boolean> {
    return (await this.#link.ask('write', (bucket) => bucket.write(name, bytes, 'always'), undefined)) !== undefined;
  }

  #ended(key: string): KeptLog[] {
    const attempts = layoutOf(this.#store).attempts(key);
    return logsOf(this.#store, key).filter(
      ({ attempt, size_bytes }) => size_bytes <= largestLog_bytes && !existsSync(join(attempts, attempt)),
    );
  }

  async #sendLogsOf(key: string): Promise<boolean> {
    const there = new Set(await this.#link.ask('read', (bucket) => bucket.list(logsFolder(key)), []));
    for (const log of this.#ended(key)) {
      const name = logAt(key, log.attempt);
      if (!there.has(name) && !(await this.#sendLog(name, log))) return false;
    }
    this.#shared.add(key);
    return true;
  }

  /** The log first, then what says that it is one. */
  async #sendLog(name: string, { path, written_ms }: KeptLog): Promise<boolean> {
    const bytes = bytesIn(path);
    const ref: BlobRef = { digest: sha256(bytes), size: bytes.length };
    const isThere = (await this.#link.ask('read', (bucket) => bucket.size(blobAt(ref)), undefined)) === ref.size;
    if (!isThere && !(await this.#write(blobAt(ref), bytes))) return false;
    const text = pointerText({ ...ref, written: new Date(written_ms).toISOString() });
    return this.#write(name, Buffer.from(text));
  }
}

/** Throws UserError for what cannot be read. */
function bytesIn(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(error, path, 'cannot read');
  }
}
