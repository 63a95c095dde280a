// Tensors whose numbers are kept in 16 bits: weights that are read and never changed, in half the memory.
import { narrowValue } from '../graph/graph.ts';
import { tf } from '../tf.ts';
import type { Narrow } from '../widen.ts';
import { hasArrays } from './backing.ts';
import type { OnnxBackend } from './onnx-backend.ts';

/** True where tensors can be narrow. */
export const hasNarrow = hasArrays;

/**
 * A float32 tensor whose numbers stay float16 or bfloat16, where `hasNarrow`: each run that reads it widens it, for as long as it takes; rows that
 * are gathered or sliced are widened alone. `narrow.bits` is not copied and must not change. What is computed is the same to the bit.
 */
export function narrowTensor(narrow: Narrow, shape: number[]): tf.Tensor {
  const backend = tf.backend() as OnnxBackend;
  return tf.engine().makeTensorFromTensorInfo(backend.adopt(narrowValue(narrow, shape)), backend);
}
