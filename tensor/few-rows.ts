// The product of a few rows with a large matrix, as a decoding step of several texts has it.
//
// N rows.
import { tf } from './tf.ts';

/** A single row is multiplied in place; with two the turned product was no faster. */
const fewest = 4;
/** Up to here the turned product was faster (tensor/README.md). */
const most = 32;
/** Elements of a matrix below which it stays in the processor's cache, and turning the result costs more than it saves. */
const smallest = 2 ** 18;

/**
 * x [N, in] times W^T, `weight` W [out, in] -> [N, out]. ONNX Runtime copies the right operand of a product into another order, however few
 * rows the left one has: for a few rows of x that is W, read and written once more. So it computes (W x^T)^T, whose right operand is
 * small. Sums come in another order than those of the plain product, within its rounding.
 */
export function timesTransposed(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  const [rows] = x.shape;
  if (rows < fewest || rows > most || weight.size < smallest) return tf.matMul(x, weight, false, true);
  return tf.transpose(tf.matMul(weight, x, false, true));
}
