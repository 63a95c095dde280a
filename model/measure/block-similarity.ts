// How alike the residual stream is in front of a layer and some layers later, on all tokens (LLM-Streamline, arXiv 2403.19135, section 3.1).
import { tf } from '../../tensor/tf.ts';
import { embed, runBlock } from '../forward/forward.ts';
import type { Model } from '../forward/model.ts';
import { cosinesOf } from './cosines.ts';

/**
 * For each layer l (from 1, in its order) from which `span` layers and one more go on: the cosine of the streams before layers l and l + `span`,
 * mean over the tokens of `windows` of one length.
 */
export async function blockSimilarities(
  model: Model,
  windows: readonly Int32Array[],
  { span, batch_size }: { readonly span: number; readonly batch_size: number },
  onProgress: (done: number, total: number) => void = () => {},
): Promise<number[]> {
  const layers = model.config.num_hidden_layers;
  const sums = new Float64Array(layers - span);
  for (let at = 0; at < windows.length; at += batch_size) {
    const chosen = windows.slice(at, at + batch_size);
    const found = await cosineSums(model, chosen, span, sums.length);
    for (const [i, value] of found.entries()) sums[i] = (sums[i] as number) + value;
    onProgress(at + chosen.length, windows.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const tokens = windows.reduce((sum, { length }) => sum + length, 0);
  return Array.from(sums, (sum) => sum / tokens);
}

/** Sums over the tokens of one batch; no more states are kept than lie between the two that are compared. */
async function cosineSums(
  model: Model,
  windows: readonly Int32Array[],
  span: number,
  starts: number,
): Promise<number[]> {
  const extent = { batch: windows.length, tokens: (windows[0] as Int32Array).length };
  const ids = Int32Array.from(windows.flatMap((window) => [...window]));
  const found: number[] = [];
  let h = tf.tidy(() => embed(model, tf.tensor2d(ids, [extent.batch, extent.tokens], 'int32')));
  const waiting = [h];
  for (let layer = 1; found.length < starts; layer++) {
    if (waiting.length > span) {
      const before = waiting.shift() as tf.Tensor2D;
      const sum = tf.tidy(() => tf.sum(cosinesOf(before, h)));
      found.push((await sum.data())[0] as number);
      tf.dispose([sum, before]);
      if (found.length === starts) break;
    }
    const last = h;
    h = tf.tidy(() => runBlock(model, layer, last, extent).h);
    waiting.push(h);
  }
  tf.dispose(waiting);
  return found;
}
