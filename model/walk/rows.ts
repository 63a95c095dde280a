// Rows of large matrices, some at a time: the embeddings of the tokens that occur.
import { embeddingName } from '../architecture/tensors.ts';
import { blockNumbers } from './bounds.ts';
import type { Passage } from './passage.ts';
import type { StoredModel } from './stored-model.ts';

/** The rows of a matrix [rows, width] in blocks of at most `most` numbers. */
export function rowBlocks(rows: number, width: number, most = blockNumbers): { first: number; count: number }[] {
  const step = Math.max(1, Math.floor(most / width));
  return Array.from({ length: Math.ceil(rows / step) }, (_, i) => {
    return { first: i * step, count: Math.min(step, rows - i * step) };
  });
}

/** The states [N, D] of each passage before layer 1. Of the embedding, blocks of rows are read in which a token occurs. */
export async function embedPassages(
  { checkpoint }: StoredModel,
  passages: readonly Pick<Passage, 'ids'>[],
): Promise<Float32Array[]> {
  const { hidden_size: width, vocab_size } = checkpoint.config;
  const states = passages.map(({ ids }) => new Float32Array(ids.length * width));
  const read = await checkpoint.openRows(embeddingName);
  for (const { first, count } of rowBlocks(vocab_size, width)) {
    const isHere = (id: number) => id >= first && id < first + count;
    if (!passages.some(({ ids }) => ids.some(isHere))) continue;
    const rows = await read(first, count);
    for (const [i, { ids }] of passages.entries()) {
      ids.forEach((id, n) => {
        const at = (id - first) * width;
        if (isHere(id)) states[i]?.set(rows.subarray(at, at + width), n * width);
      });
    }
  }
  return states;
}
