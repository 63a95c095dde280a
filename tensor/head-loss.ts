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

/** A model whose distribution the rows are to come near (Hinton et al., arXiv 1503.02531). */
export interface Teacher {
  /** Its head's input for the same rows, [R, D'], and its head [V, D']; no gradient. */
  readonly h: tf.Tensor2D;
  readonly head: tf.Tensor2D;
  /** Factor of the divergence beside the loss of the labels. */
  readonly weight: number;
  /** By which both models' logits are divided first; the divergence is multiplied with its square, so that gradients stay as large. */
  readonly temperature: number;
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
 * with the loss, block by block, while the block's probabilities are there; `labels` and `weights` get none. With a teacher, whose q is at temperature t:
 * each row's -log p(label) + weight t^2 KL(q || softmax(h W^T / t)).
 */
export function headLoss(
  { h, labels, weights }: HeadRows,
  head: tf.Tensor2D,
  { rows, trained }: HeadPass,
  teacher?: Teacher,
): tf.Scalar {
  const forward = (h: tf.Tensor, head: tf.Tensor, save: tf.GradSaveFunc) => {
    const blocks = blocksOf({ h, labels, weights, taught: teacher?.h } as BlockRows, rows);
    let sums: Sums | undefined;
    const dh = blocks.map((block, i) => {
      const made = blockLoss(block, head as tf.Tensor2D, trained, teacher);
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

/** Rows with those of the teacher, where there is one. */
interface BlockRows extends HeadRows {
  readonly taught?: tf.Tensor2D | undefined;
}

function blocksOf({ h, labels, weights, taught }: BlockRows, rows: number): BlockRows[] {
  const total = h.shape[0];
  if (rows >= total) return [{ h, labels, weights, taught }];
  const starts = Array.from({ length: Math.ceil(total / rows) }, (_, i) => i * rows);
  return starts.map((at) => {
    const count = Math.min(rows, total - at);
    return {
      h: tf.slice(h, [at, 0], [count, -1]),
      labels: tf.slice(labels, [at], [count]),
      weights: tf.slice(weights, [at], [count]),
      taught: taught && (tf.slice(taught, [at, 0], [count, -1]) as tf.Tensor2D),
    };
  });
}

/** Loss, and gradients where the loss is the end. */
function blockLoss(
  { h, labels, weights, taught }: BlockRows,
  head: tf.Tensor2D,
  trained: boolean,
  teacher: Teacher | undefined,
): Sums & { dh: tf.Tensor2D } {
  const at = tf.maximum(labels, tf.scalar(0, 'int32'));
  const logits = tf.matMul(h, head, false, true);
  const [losses, probs] = lossesOf(logits, at);
  const dLabels = lossesGradient(probs, at, weights) as tf.Tensor2D;
  const told = teacher && taught && divergence(logits, tf.matMul(taught, teacher.head, false, true), weights, teacher);
  const dLogits = told ? (tf.add(dLabels, told.dLogits) as tf.Tensor2D) : dLabels;
  const loss = tf.sum(tf.mul(losses, weights));
  return {
    loss: told ? tf.add(loss, told.loss) : loss,
    dh: tf.matMul(dLogits, head),
    dHead: trained ? tf.matMul(dLogits, h, true, false) : tf.zerosLike(head),
  };
}

/** weight t^2 sum_r w_r KL(q_r || p_r), with p and q at temperature t, and its gradient, weight t w (p - q). */
function divergence(
  logits: tf.Tensor,
  wanted: tf.Tensor,
  weights: tf.Tensor1D,
  { weight, temperature }: Pick<Teacher, 'weight' | 'temperature'>,
): { loss: tf.Tensor; dLogits: tf.Tensor } {
  const [ours, theirs] = [logits, wanted].map((x) => tf.logSoftmax(tf.mul(x, 1 / temperature))) as [
    tf.Tensor,
    tf.Tensor,
  ];
  const shares = tf.exp(theirs);
  const rows = tf.sum(tf.mul(shares, tf.sub(theirs, ours)), 1);
  const scaled = tf.expandDims(tf.mul(weights, weight * temperature), 1);
  return {
    loss: tf.mul(tf.sum(tf.mul(rows, weights)), weight * temperature ** 2),
    dLogits: tf.mul(tf.sub(tf.exp(ours), shares), scaled),
  };
}

/** A boundary follows each block but the last: its logits are gone when the next block's are made. */
function added(sums: Sums | undefined, block: Sums, isFollowed: boolean): Sums {
  const loss = sums ? tf.add(sums.loss, block.loss) : block.loss;
  const dHead = sums ? tf.add(sums.dHead, block.dHead) : block.dHead;
  const [cut] = isFollowed ? runOr('LaminaBoundary', { x: loss }, {}, () => [loss]) : [loss];
  return { loss: cut as tf.Tensor, dHead };
}
