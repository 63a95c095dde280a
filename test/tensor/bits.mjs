// Trains a small network on two threads and prints the SHA-256 of its weights: run twice, in two processes, by a test.
import { createHash } from 'node:crypto';
import { useBackend } from '../../dist/tensor/backend/backend.js';
import { attention, causalMask, gatherRows, rmsNorm, tokenLosses } from '../../dist/tensor/ops.js';
import { tf } from '../../dist/tensor/tf.js';

await useBackend({ backend: 'onnx', threads: 2 });
const ids = tf.tensor2d(
  Int32Array.from({ length: 256 }, (_, i) => (i * 37) % 61),
  [4, 64],
  'int32',
);
const labels = tf.tensor1d(
  Int32Array.from({ length: 256 }, (_, i) => (i * 37 + 5) % 61),
  'int32',
);
const variable = (...shape) => tf.variable(tf.tensor(wave(shape), shape));
const weights = [variable(61, 64), variable(64), variable(64, 61)];
const optimizer = tf.train.adam(0.01);
for (let step = 0; step < 5; step++) optimizer.minimize(() => loss(...weights));
const hash = createHash('sha256');
for (const weight of weights) hash.update(weight.dataSync());
console.log(hash.digest('hex'));

function loss(table, norm, head) {
  const x = rmsNorm(gatherRows(table, ids), norm, 1e-5);
  const heads = tf.transpose(tf.reshape(x, [4, 64, 2, 32]), [0, 2, 1, 3]);
  const mixed = tf.transpose(attention(heads, heads, heads, causalMask(64), 0.2), [0, 2, 1, 3]);
  return tf.mean(tokenLosses(tf.matMul(tf.reshape(mixed, [256, 64]), head), labels));
}

function wave(shape) {
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * i));
}
