// Counts of what the tensor engine holds and has done, for leak tests and benchmarks.
import { tf } from '../tf.ts';
import { OnnxBackend } from './onnx-backend.ts';
import { BACKEND_NAME } from './register.ts';
import { noCounts, type SessionCounts } from './sessions.ts';

/** Live things now, and work since the backend was chosen (all zero but `tensors` on other backends). */
export interface TensorStats extends SessionCounts {
  /** TensorFlow.js tensors alive. */
  tensors: number;
  /** Buffers (data ids) alive on the backend. */
  buffers: number;
  /** Live tensors that are recorded but not computed. */
  pending: number;
  /** Nodes recorded since the last run. */
  nodes: number;
  /** Bytes that tensors have in the memory of a device. */
  device_bytes: number;
}

/** The counts of this process. */
export function tensorStats(): TensorStats {
  const backend = onnxBackend();
  return {
    tensors: tf.memory().numTensors,
    buffers: tf.backend().numDataIds(),
    pending: backend?.numPending() ?? 0,
    nodes: backend?.recorder.nodes.length ?? 0,
    device_bytes: backend?.sessions.device?.bytes ?? 0,
    ...(backend?.sessions.counts ?? noCounts),
  };
}

/** Releases all compiled sessions; the next run compiles again. */
export function clearSessions(): void {
  onnxBackend()?.sessions.clear();
}

function onnxBackend(): OnnxBackend | undefined {
  const backend = tf.getBackend() === BACKEND_NAME ? tf.backend() : undefined;
  return backend instanceof OnnxBackend ? backend : undefined;
}
