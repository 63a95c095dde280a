// How many logits a loss holds at once. Light: planning reads this.

/** Logits that a loss holds at once with its gradient: 32 MiB of float32, of each of the two. */
const largestLogits = 2 ** 23;

/** Rows whose logits are held together. */
export function headRows(vocab_size: number): number {
  return Math.max(1, 2 ** Math.floor(Math.log2(largestLogits / vocab_size)));
}
