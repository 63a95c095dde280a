// Which library computes on the chosen backend, and on what.
import { runtimeVersion } from '../graph/runtime-package.ts';
import { tf } from '../tf.ts';
import { OnnxBackend } from './onnx-backend.ts';

/** What TensorFlow's backend says of itself (tfjs-node 4.22.0). */
interface TensorFlowBackend {
  readonly binding?: { readonly TF_Version?: unknown };
  readonly isUsingGpuDevice?: unknown;
}

/** The library with its version, `ONNX Runtime 1.30.0`, and the kind of device; `unknown` where the library does not say. */
export function computedBy(): { computed_by: string; device: 'cpu' | 'gpu' | 'unknown' } {
  const backend = tf.backend();
  if (backend instanceof OnnxBackend) {
    const device = backend.recorder.provider === 'cpu' ? 'cpu' : 'gpu';
    return { computed_by: `ONNX Runtime ${runtimeVersion()}`, device };
  }
  if (tf.getBackend() === 'cpu') return { computed_by: `TensorFlow.js ${tf.version_core}`, device: 'cpu' };
  const { binding, isUsingGpuDevice } = backend as TensorFlowBackend;
  const device = typeof isUsingGpuDevice !== 'boolean' ? 'unknown' : isUsingGpuDevice ? 'gpu' : 'cpu';
  return { computed_by: `TensorFlow ${binding?.TF_Version ?? 'of an unknown version'}`, device };
}
