// The arrays behind tensors, for what is cheaper done in place than by a graph.
import { tf } from '../tf.ts';
import { OnnxBackend } from './onnx-backend.ts';

/** True where float32 tensors are arrays of this process that ONNX Runtime reads where they are. */
export function hasArrays(): boolean {
  const backend = tf.backend();
  return backend instanceof OnnxBackend && backend.sessions.provider === 'cpu';
}

/** The array behind `tensor`, where `hasArrays`; writing into it changes the tensor, and whatever else was given the array. Computes what is pending. */
export function backingArray(tensor: tf.Tensor): Float32Array {
  return tensor.dataSync() as Float32Array;
}

/**
 * Hands each of these tensors' arrays to its function, where `hasArrays`, as soon as it is computed, and lets go of it: not all of them
 * need to exist together. Computes what is pending. The tensors have no content any more.
 */
export function consumeArrays(each: readonly (readonly [tf.Tensor, (values: Float32Array) => void])[]): void {
  const backend = tf.backend() as OnnxBackend;
  for (const [tensor, use] of each) backend.consume(tensor, (values) => use(values as Float32Array));
  backend.flush();
}
