// A matrix product on the chosen backend, held against one in plain JavaScript.
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

const [rows, inner, columns] = [48, 96, 32];

/** The product of two matrices of normal numbers ([48, 96] and [96, 32]), by the backend and by three loops in double precision. */
export function products(): { got: ArrayLike<number>; want: ArrayLike<number> } {
  const [a, b] = [normals(rows * inner, 'a'), normals(inner * columns, 'b')];
  const got = tf.tidy(() => tf.matMul(tf.tensor2d(a, [rows, inner]), tf.tensor2d(b, [inner, columns])).dataSync());
  return { got, want: plainProduct(a, b) };
}

function plainProduct(a: Float32Array, b: Float32Array): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const left = a[i * inner + k] as number;
      for (let j = 0; j < columns; j++) out[i * columns + j]! += left * (b[k * columns + j] as number);
    }
  }
  return out;
}

function normals(count: number, name: string): Float32Array {
  const random = createRandom('probe', name);
  return Float32Array.from({ length: count }, () => random.normal());
}
