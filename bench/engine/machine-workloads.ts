// What the machine can do on lamina's side: a product of two matrices, and a copy.
import { tf } from '../../tensor/tf.ts';
import { repeat } from '../decoding.ts';
import type { Workload } from '../serve.ts';
import { copyBytes, gemmSize } from './settings.ts';

/** A product of two square matrices. */
export async function gemmWorkload(): Promise<Workload> {
  const [a, b] = [tf.fill([gemmSize, gemmSize], 0.5), tf.fill([gemmSize, gemmSize], 0.25)];
  await Promise.all([a.data(), b.data()]);
  return repeat(async () => {
    const product = tf.matMul(a, b);
    const value = (await product.data())[0] as number;
    product.dispose();
    return value;
  });
}

/** A copy of many floats. */
export async function copyWorkload(): Promise<Workload> {
  const [from, to] = [new Float32Array(copyBytes / 4).fill(1), new Float32Array(copyBytes / 4)];
  return repeat(async () => {
    to.set(from);
    return to[0] as number;
  });
}
