// Computes what is recorded: the end of a step whose results nobody reads yet.
import { tf } from '../tf.ts';
import { OnnxBackend } from './onnx-backend.ts';

/** Runs everything that is live and pending; nothing on backends that compute at once. */
export function flush(): void {
  const backend = tf.backend();
  if (backend instanceof OnnxBackend) backend.flush();
}
