// The door to kernels of our own, which only the backend `onnx` has.
import { tf } from './tf.ts';

/** What `kernel` makes of `inputs` where the backend has it, what `plain` makes elsewhere; no gradient. */
export function runOr(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, unknown>,
  plain: () => tf.Tensor[],
): tf.Tensor[] {
  if (tf.getKernel(kernel, tf.getBackend()) === undefined) return plain();
  return [tf.engine().runKernel(kernel, inputs, attrs as never)].flat() as tf.Tensor[];
}
