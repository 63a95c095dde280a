// The way to a shared store: what cannot be had is said once, and left alone for a while.
import pLimit from 'p-limit';
import { type Bucket, RemoteError } from './bucket.ts';

/** Requests under way at once. */
const atOnce = 16;
/** After it could not be reached a place is left alone for so long: a run goes on without it. */
const usualRest_ms = 300_000;

export interface LinkOptions {
  bucket: Bucket;
  /** Nothing is written there. */
  readOnly: boolean;
  /** Nothing goes on without it. */
  required: boolean;
  say: (sentence: string) => void;
  /** Ends whatever is under way; what is asked for then is not to be had. */
  signal: AbortSignal;
  rest_ms?: number | undefined;
}

/** What a request is for: reading may be allowed where writing is not. */
type Purpose = 'read' | 'write';

export class Link {
  readonly bucket: Bucket;
  readonly required: boolean;
  readonly #say: (sentence: string) => void;
  readonly #rest_ms: number;
  readonly #signal: AbortSignal;
  readonly #limit = pLimit(atOnce);
  /** Until when it is left alone. */
  readonly #restsUntil_ms: Record<Purpose, number> = { read: 0, write: 0 };
  #hasSaid = false;

  constructor({ bucket, readOnly, required, say, signal, rest_ms = usualRest_ms }: LinkOptions) {
    this.bucket = bucket;
    this.required = required;
    this.#say = say;
    this.#rest_ms = rest_ms;
    this.#signal = signal;
    if (readOnly) this.#restsUntil_ms.write = Number.POSITIVE_INFINITY;
  }

  /** False while nothing is asked of it. */
  isOpen(purpose: Purpose): boolean {
    return !this.#signal.aborted && performance.now() >= this.#restsUntil_ms[purpose];
  }

  /** What the work gives, `otherwise` where the place does not do it now. Throws RemoteError where it has to. */
  ask<T, E>(purpose: Purpose, work: (bucket: Bucket) => Promise<T>, otherwise: E): Promise<T | E> {
    return this.#guarded(
      purpose,
      () => this.#limit(async () => (this.isOpen(purpose) ? work(this.bucket) : otherwise)),
      otherwise,
    );
  }

  /** The same for what takes long, and must not stand in the way of small requests. */
  transfer<T, E>(purpose: Purpose, work: (bucket: Bucket) => Promise<T>, otherwise: E): Promise<T | E> {
    return this.#guarded(purpose, () => work(this.bucket), otherwise);
  }

  async #guarded<T, E>(purpose: Purpose, work: () => Promise<T | E>, otherwise: E): Promise<T | E> {
    if (!this.isOpen(purpose)) return otherwise;
    try {
      return await work();
    } catch (error) {
      if (this.#signal.aborted) return otherwise;
      if (!(error instanceof RemoteError) || this.required) throw error;
      this.#rest(purpose, error);
      return otherwise;
    }
  }

  #rest(purpose: Purpose, { message, trouble }: RemoteError): void {
    if (!this.isOpen(purpose)) return;
    const until_ms = trouble === 'unreachable' ? performance.now() + this.#rest_ms : Number.POSITIVE_INFINITY;
    const isReadable = purpose === 'write' && trouble === 'refused';
    for (const each of isReadable ? (['write'] as const) : (['read', 'write'] as const)) {
      this.#restsUntil_ms[each] = Math.max(this.#restsUntil_ms[each], until_ms);
    }
    if (this.#hasSaid) return;
    this.#hasSaid = true;
    const way = isReadable ? 'what is made here is not shared' : 'going on with the local store alone';
    this.#say(`${message}; ${way}`);
  }
}
