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
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += (a[i * inner + k] as number) * (b[k * columns + j] as number);
    return sum;
  });
}

function normals(count: number, name: string): Float32Array {
  const random = createRandom('probe', name);
  return Float32Array.from({ length: count }, () => random.normal());
}
