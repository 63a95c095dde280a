// Server-sent events: browsers are told when what they show may have changed. Nothing is looked at while nobody listens.
import type { ServerResponse } from 'node:http';

/** What a listener shows, as a text that changes with it. */
type Stamp = (runs: readonly string[]) => string;

interface Listener {
  runs: readonly string[];
  stamp: string;
  answer: ServerResponse;
}

const every_ms = 1000;
/** A line now and then keeps connections open, and finds out those that are gone. */
const sign_ms = 20_000;
const most = 64;

/** The browsers that listen. */
export class Listeners {
  readonly #stamp: Stamp;
  readonly #listeners = new Set<Listener>();
  #timer: NodeJS.Timeout | undefined;
  #signed_ms = performance.now();

  constructor(stamp: Stamp) {
    this.#stamp = stamp;
  }

  /** Takes a response over; it ends when the browser leaves, or with `close`. False where there are too many. */
  add(answer: ServerResponse, runs: readonly string[]): boolean {
    if (this.#listeners.size >= most) return false;
    answer.write('retry: 2000\n\n');
    const listener = { runs, stamp: this.#of(runs), answer };
    this.#listeners.add(listener);
    answer.on('close', () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    });
    this.#timer ??= setInterval(() => this.#look(), every_ms);
    return true;
  }

  close(): void {
    this.#stop();
    for (const { answer } of this.#listeners) answer.end();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const isSign = performance.now() - this.#signed_ms > sign_ms;
    if (isSign) this.#signed_ms = performance.now();
    for (const listener of this.#listeners) {
      const stamp = this.#of(listener.runs);
      if (stamp !== listener.stamp) listener.answer.write('event: changed\ndata: \n\n');
      else if (isSign) listener.answer.write(':\n\n');
      listener.stamp = stamp;
    }
  }

  /** What cannot be looked at now has not changed. */
  #of(runs: readonly string[]): string {
    try {
      return this.#stamp(runs);
    } catch {
      return '';
    }
  }
}
