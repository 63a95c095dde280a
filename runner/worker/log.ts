// The output of a worker process, cut into jobs: a mark at the end of each job's output tells where the next one's begins.
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a program prints before its first job is kept up to this many bytes: it tells why it did not start. */
const early_bytes = 1 << 16;
/** A stage that put something else in the place of `stdout` may swallow the mark: then it is not waited for any longer. */
export const markWait_ms = 5000;

/** No text that a stage prints holds these bytes by chance. */
function markOf(job: string): Buffer {
  return Buffer.from(`\0lamina: end of ${job}\0`);
}

/** In the worker: marks the end of a job's output in both streams; resolves when it is written. */
export async function markOutput(job: string): Promise<void> {
  const mark = markOf(job);
  const both = Promise.all([process.stdout, process.stderr].map((stream) => written(stream, mark)));
  await Promise.race([both, sleep(markWait_ms, undefined, { ref: false })]);
}

/** Also resolves for a stream that the stage has broken: then there is nothing to wait for. */
function written(stream: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.writable) resolve();
    else stream.write(bytes, () => resolve());
  });
}

/** In the runner: one stream of a worker, from which the output of the job at hand is passed on. */
export class OutputTap {
  /** Resolves when the stream has ended. */
  readonly closed: Promise<void>;
  /** When something last came, on the clock of `performance`. */
  last_ms = performance.now();
  readonly #stream: Readable;
  #pass: ((bytes: Buffer) => void) | undefined;
  #mark: Buffer = Buffer.alloc(0);
  #held: Buffer = Buffer.alloc(0);
  #marked: () => void = () => {};
  #isFresh = true;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.closed = new Promise((resolve) => stream.on('close', resolve));
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** Passes the output of `job` on from now on; resolves when its mark has come by or the stream has ended. */
  begin(job: string, pass: (bytes: Buffer) => void): Promise<void> {
    this.#mark = markOf(job);
    this.#pass = pass;
    if (this.#isFresh && this.#held.length > 0) pass(this.#held);
    this.#isFresh = false;
    this.#held = Buffer.alloc(0);
    const marked = new Promise<void>((resolve) => {
      this.#marked = resolve;
    });
    return Promise.race([marked, this.closed]);
  }

  /** Lets go of the stream: whoever still holds its other end must not keep this process from ending. */
  destroy(): void {
    this.#stream.destroy();
  }

  #receive(chunk: Buffer): void {
    this.last_ms = performance.now();
    if (this.#pass === undefined) {
      // between two jobs it belongs to none
      if (this.#isFresh) this.#held = Buffer.concat([this.#held, chunk]).subarray(0, early_bytes);
      return;
    }
    const data = Buffer.concat([this.#held, chunk]);
    const at = data.indexOf(this.#mark);
    const end = at < 0 ? data.length - partOfMark(data, this.#mark) : at;
    if (end > 0) this.#pass(data.subarray(0, end));
    this.#held = data.subarray(end);
    if (at < 0) return;
    this.#pass = undefined;
    this.#marked();
  }
}

/** How many bytes at the end of `data` may be the beginning of the mark. */
function partOfMark(data: Buffer, mark: Buffer): number {
  for (let n = Math.min(mark.length - 1, data.length); n > 0; n--) {
    if (data.subarray(data.length - n).equals(mark.subarray(0, n))) return n;
  }
  return 0;
}
