// Texts that end make room for the next ones at once: the batch stays full until nobody waits any more, then it shrinks.
import type { Decoder } from './decoder.ts';
import type { ReadingOrder } from './passes.ts';
import type { Prompt } from './read-prompts.ts';

/** A text being continued. */
export interface Sequence {
  /** The tokens to go on from. */
  readonly ids: readonly number[];
  /** Takes the logits [V] of the next token and says which it is; null when the text is at its end. */
  next(logits: Float32Array): number | null;
}

/** What has been computed: tokens that were read, or made. */
export type Observe = (phase: 'prefill' | 'decode', tokens: number) => void;

export interface BatchOptions {
  /** Texts that are continued side by side. */
  readonly batch_size: number;
  /** Which prompts are read first. */
  readonly order: ReadingOrder;
  /** Aborting ends the work after the step that is being computed, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly observe?: Observe | undefined;
}

/** A text with a row of the batch, and the token that it goes on with. */
interface Seat {
  readonly sequence: Sequence;
  token: number;
}

/** A text whose prompt has been read. */
interface Waiting {
  readonly sequence: Sequence;
  readonly prompt: Prompt;
}

/** Continues every sequence to its end. */
export async function continueAll(
  decoder: Decoder,
  sequences: readonly Sequence[],
  options: BatchOptions,
): Promise<void> {
  const waiting = readAll(decoder, sequences, options);
  const seats: (Seat | undefined)[] = [];
  resize(decoder, seats, powerOfTwo(Math.min(options.batch_size, sequences.length)));
  let some = true;
  do {
    some &&= await fillSeats(decoder, seats, waiting, options);
    if (!some) shrink(decoder, seats);
  } while (await stepOnce(decoder, seats, options));
}

/** Reads prompts when the first of them is asked for; the others of its pass wait for a row. */
async function* readAll(
  decoder: Decoder,
  sequences: readonly Sequence[],
  { order, signal, observe }: BatchOptions,
): AsyncGenerator<Waiting, undefined> {
  const ids = sequences.map((sequence) => sequence.ids);
  await turn(signal);
  for await (const prompts of decoder.read(ids, order)) {
    observe?.(
      'prefill',
      prompts.reduce((sum, { places }) => sum + places.length, 0),
    );
    for (const prompt of prompts) yield { sequence: sequences[prompt.number] as Sequence, prompt };
    await turn(signal);
  }
}

/** Gives every free row to a waiting text; false when nobody waits any more. */
async function fillSeats(
  decoder: Decoder,
  seats: (Seat | undefined)[],
  waiting: AsyncIterator<Waiting, undefined>,
  options: BatchOptions,
): Promise<boolean> {
  for (let row = 0; row < seats.length; row++) {
    while (seats[row] === undefined && row < options.batch_size) {
      const { value } = await waiting.next();
      if (value === undefined) return false;
      const { sequence, prompt } = value;
      const token = sequence.next(prompt.logits);
      if (token === null) continue;
      decoder.fill(row, prompt);
      seats[row] = { sequence, token };
    }
  }
  return true;
}

/** One more token for every text; false when there are none. */
async function stepOnce(decoder: Decoder, seats: (Seat | undefined)[], options: BatchOptions): Promise<boolean> {
  const rows = takenRows(seats);
  if (rows.length === 0) return false;
  await turn(options.signal);
  const logits = await decoder.step(
    Int32Array.from(seats, (seat) => seat?.token ?? 0),
    rows,
  );
  const size = logits.length / seats.length;
  for (const row of rows) {
    const seat = seats[row] as Seat;
    const token = seat.sequence.next(logits.subarray(row * size, (row + 1) * size));
    if (token !== null) seat.token = token;
    else {
      seats[row] = undefined;
      decoder.clear(row);
    }
  }
  options.observe?.('decode', rows.length);
  return true;
}

/** Halves the batch while half of it is free: the texts move to its first rows. */
function shrink(decoder: Decoder, seats: (Seat | undefined)[]): void {
  const taken = takenRows(seats);
  const rows = powerOfTwo(taken.length);
  if (rows >= seats.length) return;
  taken.forEach((from, to) => {
    if (from === to) return;
    decoder.move(from, to);
    seats[to] = seats[from];
    seats[from] = undefined;
  });
  resize(decoder, seats, rows);
}

function takenRows(seats: readonly (Seat | undefined)[]): number[] {
  return [...seats.keys()].filter((row) => seats[row] !== undefined);
}

function resize(decoder: Decoder, seats: (Seat | undefined)[], rows: number): void {
  for (let row = seats.length; row < rows; row++) seats.push(undefined);
  seats.length = rows;
  decoder.resize(rows);
}

/** Few sizes of batch, few graphs. */
function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}

/** Lets signals and writing in, between two steps that block the process. */
async function turn(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}
