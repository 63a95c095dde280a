// What stages take that read and write, and compute next to nothing.
import type { Cost } from '../../contract/stage.ts';

/** Bytes of a float32. */
export const float = 4;

/** A metrics file, a curve, a map without parameters. */
export const smallFile = 4096;

/** What a stage takes that reads and writes in a stream. */
export const streaming = 256 * 2 ** 20;

/** Adds up what is read from files; the arithmetic does not count. */
export const copying = (read_bytes: number | undefined, written_bytes: number): Cost => ({
  flops: 0,
  memory_bytes: streaming,
  read_bytes,
  written_bytes,
});

/** command: what a program does cannot be known; it reads its inputs, at least. */
export function commandCost(): Cost {
  return { ...copying(undefined, smallFile), assumed: ['nothing computed by commands'] };
}

/** Stages that only look at what is stored: no work to speak of. */
export function lookingCost(): Cost {
  return copying(0, smallFile);
}
