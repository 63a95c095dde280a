// Output buffers used again: a training step writes its new weights where the weights before the last ones lay.

/** Smaller arrays are not worth keeping. */
const SMALLEST = 4096;

/**
 * Float arrays that nothing reads any more. A disposed one may still feed what is recorded, so it waits for the next run
 * to end; one that the run after that does not take is left to the garbage collector, so that the pool cannot grow.
 */
export class BufferPool {
  #free = new Map<number, Float32Array[]>();
  #retired: Float32Array[] = [];

  /** Gives an array to the pool; its content is lost. */
  retire(array: Float32Array): void {
    if (array.length >= SMALLEST) this.#retired.push(array);
  }

  /** An array of `length` elements of any content, if there is one. */
  take(length: number): Float32Array | undefined {
    return length < SMALLEST ? undefined : this.#free.get(length)?.pop();
  }

  /** A run has ended: what was retired before it is free now. */
  turn(): void {
    this.#free = grouped(this.#retired);
    this.#retired = [];
  }
}

function grouped(arrays: readonly Float32Array[]): Map<number, Float32Array[]> {
  const groups = new Map<number, Float32Array[]>();
  for (const array of arrays) {
    const group = groups.get(array.length);
    if (group === undefined) groups.set(array.length, [array]);
    else group.push(array);
  }
  return groups;
}
