// Training whose every step is one replayed recording: loss, gradients and Adam's update, with parameters and moments as inputs.
//
// Recording a step anew takes longer than running a small one.
import { createReplay, inputTensor, type ReplayInput, replays } from '../../tensor/backend/replay.ts';
import type { TensorData } from '../../tensor/graph/runtime.ts';
import { tf } from '../../tensor/tf.ts';
import { type Adam, adamUpdate, type Held, stepFactors } from './optimizer.ts';
import { type TrainTask, train, trainLoop } from './train.ts';

/** A training with one batch of arrays for each step, always of the same shapes. */
export interface ReplayedTask
  extends Pick<TrainTask<unknown>, 'variables' | 'steps' | 'adam' | 'learningRate' | 'save' | 'onProgress'> {
  /** The arrays of a step (from 0), a function of the step alone; they are read before the next are asked for. */
  batch(step: number): Promise<readonly ReplayInput[]>;
  /** The loss of a batch with `parameters` in the places of the variables; recorded once, so it must not depend on their values. */
  loss(batch: readonly tf.Tensor[], parameters: ReadonlyMap<string, tf.Tensor>): tf.Scalar;
}

/** `train` for such a task: the same losses and variables. On backends that record nothing, or keep values on a device, it is `train` itself. */
export async function trainReplayed(task: ReplayedTask): Promise<{ losses: number[] }> {
  if (replays()) return trainLoop(task, (adam) => replayedStep(task, adam));
  return train<readonly ReplayInput[]>({
    ...task,
    batches: async (step) => [await task.batch(step)],
    loss: (batch) => task.loss(batch.map(inputTensor), task.variables),
  });
}

/**
 * A step takes what the last one gave, and writes over what the one before gave: nothing is allocated. The inputs of a step are, in
 * this order, the factors of Adam, variables, their two moments, and the batch.
 */
function replayedStep(task: ReplayedTask, adam: Adam): (step: number) => Promise<number> {
  const names = [...task.variables.keys()];
  const moments = (kind: string) => names.map((name) => adam.state.get(`${kind}/${name}`) as tf.Variable);
  const state = [...task.variables.values(), ...moments('first'), ...moments('second')];
  const replay = createReplay((inputs) => recordStep(task, names, inputs));
  let given: TensorData[] | undefined;
  let unread: TensorData[] | undefined;
  return async (step) => {
    const factors = Object.values(factorsOf(task, step)).map((x) => ({ data: Float32Array.of(x), shape: [] }));
    const held = state.map((variable) => ({ data: variable.dataSync() as Float32Array, shape: variable.shape }));
    const values = await replay([...factors, ...held, ...(await task.batch(step))], unread);
    [unread, given] = [given, values];
    tf.tidy(() => {
      for (const [i, variable] of state.entries())
        variable.assign(tf.tensor(values[i + 1] as Float32Array, variable.shape));
    });
    return (values[0] as Float32Array)[0] as number;
  };
}

function factorsOf(task: ReplayedTask, step: number) {
  return stepFactors(task.adam, task.learningRate(step), step + 1);
}

/** -> the loss, then what has become of variables and moments. */
function recordStep(task: ReplayedTask, names: readonly string[], inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const factorNames = Object.keys(factorsOf(task, 0));
  const parts = [factorNames.length, names.length, names.length, names.length];
  const [factors, variables, first, second] = parts.map((count, i) => {
    const start = parts.slice(0, i).reduce((a, b) => a + b, 0);
    return inputs.slice(start, start + count);
  }) as [tf.Scalar[], tf.Tensor[], tf.Tensor[], tf.Tensor[]];
  const batch = inputs.slice(parts.reduce((a, b) => a + b, 0));
  const named = (tensors: readonly tf.Tensor[]) => new Map(names.map((name, i) => [name, tensors[i] as tf.Tensor]));
  const lossOf = (...parameters: tf.Tensor[]) => task.loss(batch, named(parameters));
  const { value, grads } = tf.valueAndGrads(lossOf)(variables);
  const held = new Map(
    names.map((name, i) => [name, { variable: variables[i], first: first[i], second: second[i] } as Held<tf.Tensor>]),
  );
  const scalars = Object.fromEntries(factorNames.map((name, i) => [name, factors[i]]));
  const updated = [...adamUpdate(held, named(grads), scalars as never, task.adam).values()];
  return [value, ...[0, 1, 2].flatMap((i) => updated.map((tensors) => tensors[i] as tf.Tensor))];
}
