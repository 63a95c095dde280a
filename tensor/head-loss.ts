// The loss of a model's head with its gradient, for some rows at a time: the logits of all rows never exist together.
//
// R rows, D hidden, V vocabulary.
import { lossesGradient, lossesOf } from './ops.ts';
import { runOr } from './run-or.ts';
import { tf } from './tf.ts';

/** The rows of the head's input, what they predict, and what each counts. */
export interface HeadRows {
  /** [R, D]. */
  readonly h: tf.Tensor2D;
  /** int32 [R]; negative ones are read as 0. */
  readonly labels: tf.Tensor1D;
  /** [R]. */
  readonly weights: tf.Tensor1D;
}

/** What becomes of the rows. */
export interface HeadPass {
  /** Rows whose logits are held together. */
  readonly rows: number;
  /** True where the head's own gradient is wanted: on backends that compute at once it is left out otherwise. */
  readonly trained: boolean;
}

/**
 * The sum over rows of weight times -log p(label), with p = softmax(h W^T) and `head` W [V, D]. The gradients of h and W are computed
 * with the loss, block by block, while the block's probabilities are there; `labels` and `weights` get none.
 */
export function headLoss({ h, labels, weights }: HeadRows, head: tf.Tensor2D, { rows, trained }: HeadPass): tf.Scalar {
  const forward = (h: tf.Tensor, head: tf.Tensor, save: tf.GradSaveFunc) => {
    const blocks = blocksOf({ h, labels, weights } as HeadRows, rows);
    let sums: Sums | undefined;
    const dh = blocks.map((block, i) => {
      const made = blockLoss(block, head as tf.Tensor2D, trained);
      sums = added(sums, made, i < blocks.length - 1);
      return made.dh;
    });
    const { loss, dHead } = sums as Sums;
    save([tf.concat(dh, 0), dHead]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy));
    return { value: loss, gradFunc };
  };
  return tf.customGrad(forward as unknown as Parameters<typeof tf.customGrad>[0])(h, head) as tf.Scalar;
}

/** What blocks add up. */
interface Sums {
  readonly loss: tf.Tensor;
  readonly dHead: tf.Tensor;
}

function blocksOf({ h, labels, weights }: HeadRows, rows: number): HeadRows[] {
  const total = h.shape[0];
  if (rows >= total) return [{ h, labels, weights }];
  const starts = Array.from({ length: Math.ceil(total / rows) }, (_, i) => i * rows);
  return starts.map((at) => {
    const count = Math.min(rows, total - at);
    return {
      h: tf.slice(h, [at, 0], [count, -1]),
      labels: tf.slice(labels, [at], [count]),
      weights: tf.slice(weights, [at], [count]),
    };
  });
}

/** Loss, and gradients where the loss is the end. */
function blockLoss({ h, labels, weights }: HeadRows, head: tf.Tensor2D, trained: boolean): Sums & { dh: tf.Tensor2D } {
  const at = tf.maximum(labels, tf.scalar(0, 'int32'));
  const [losses, probs] = lossesOf(tf.matMul(h, head, false, true), at);
  const dLogits = lossesGradient(probs, at, weights) as tf.Tensor2D;
  return {
    loss: tf.sum(tf.mul(losses, weights)),
    dh: tf.matMul(dLogits, head),
    dHead: trained ? tf.matMul(dLogits, h, true, false) : tf.zerosLike(head),
  };
}

/** A boundary follows each block but the last: its logits are gone when the next block's are made. */
function added(sums: Sums | undefined, block: Sums, isFollowed: boolean): Sums {
  const loss = sums ? tf.add(sums.loss, block.loss) : block.loss;
  const dHead = sums ? tf.add(sums.dHead, block.dHead) : block.dHead;
  const [cut] = isFollowed ? runOr('LaminaBoundary', { x: loss }, {}, () => [loss]) : [loss];
  return { loss: cut as tf.Tensor, dHead };
}
