// Packing: examples joined end to end and cut into blocks of one length, so that pretraining wastes nothing on padding.
import { type Example, ignored } from './batches.ts';

/** Blocks of exactly `length` tokens; what is left at the end is dropped. A block's first token is never a label. */
export function packExamples(examples: readonly Example[], length: number): Example[] {
  const total = examples.reduce((sum, { ids }) => sum + ids.length, 0);
  const ids = new Int32Array(total);
  const labels = new Int32Array(total);
  let at = 0;
  for (const example of examples) {
    ids.set(example.ids, at);
    labels.set(example.labels, at);
    labels[at] = ignored; // nothing before an example predicts its first token
    at += example.ids.length;
  }
  return Array.from({ length: Math.floor(total / length) }, (_, i) => ({
    ids: ids.slice(i * length, (i + 1) * length),
    labels: labels.slice(i * length, (i + 1) * length),
  }));
}
