// A two-layer MLP trained with TensorFlow.js's Adam on seeded data: the engine tests' smallest real training.
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';

/** Trains for `steps` and returns the weights; `after` is called at the end of each step with its loss. */
export function trainMlp(steps: number, after: (loss: number) => void): Float32Array[] {
  const [x, y] = [normal([32, 8], 'x'), normal([32, 2], 'y')];
  const weights = [normal([8, 16], 'w1', 0.3), normal([16, 2], 'w2', 0.3)].map((tensor) => tf.variable(tensor));
  const optimizer = tf.train.adam(0.02);
  const [w1, w2] = weights as [tf.Variable, tf.Variable];
  for (let step = 0; step < steps; step++) {
    const predict = () => tf.matMul(tf.tanh(tf.matMul(x, w1)), w2);
    const loss = optimizer.minimize(() => tf.losses.meanSquaredError(y, predict()) as tf.Scalar, true) as tf.Scalar;
    const value = loss.dataSync()[0] as number;
    loss.dispose();
    after(value);
  }
  const values = weights.map((weight) => Float32Array.from(weight.dataSync()));
  optimizer.dispose();
  tf.dispose([x, y, ...weights]);
  return values;
}

/** The losses of the first `steps` steps. */
export function mlpLosses(steps: number): number[] {
  const losses: number[] = [];
  trainMlp(steps, (loss) => losses.push(loss));
  return losses;
}

function normal(shape: number[], label: string, scale = 1): tf.Tensor {
  const random = createRandom('mlp', label);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => scale * random.normal()),
    shape,
  );
}
