// A computation that is recorded once and replayed with new inputs: where a step is small, recording it again takes longer
// than running it.
import { concrete, type ElementType, type Shape, Value } from './graph.ts';
import { planRun } from './lowering.ts';
import { OnnxBackend } from './onnx-backend.ts';
import type { RuntimeTensor, TensorData } from './runtime.ts';
import { tf } from './tf.ts';

/** An input by its content; `data` is not copied. */
export interface ReplayInput {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** Computes the outputs for inputs of always the same types and shapes; the arrays returned are the caller's. */
export type Replay = (inputs: readonly ReplayInput[]) => Promise<TensorData[]>;

/**
 * The computation that `build` writes down, over its inputs and over tensors that must neither change nor be freed while it is
 * used. Backend `onnx` calls `build` once, the others each time. It has no gradient.
 */
export function createReplay(build: (inputs: tf.Tensor[]) => tf.Tensor[]): Replay {
  let recorded: Recorded | undefined;
  return async (inputs) => {
    const backend = tf.backend();
    if (!(backend instanceof OnnxBackend)) return evaluate(build, inputs);
    const again = recorded && backend.sessions.rerun(recorded.key, fed(recorded, inputs));
    if (again !== undefined) return again.map(dataOf);
    const first = record(backend, build, inputs);
    recorded = first.recorded;
    return first.outputs.map(dataOf);
  };
}

/** A compiled recording, and what it reads: fixed values, or given inputs by their number, in the shape that is read. */
interface Recorded {
  readonly key: string;
  readonly inputs: readonly (Value | { readonly given: number; readonly shape: Shape; readonly type: ElementType })[];
}

function record(
  backend: OnnxBackend,
  build: (inputs: tf.Tensor[]) => tf.Tensor[],
  inputs: readonly ReplayInput[],
): { recorded: Recorded; outputs: RuntimeTensor[] } {
  backend.flush(); // what others have recorded is not part of this
  const given = inputs.map(tensorOf);
  const arrays = given.map((tensor) => backend.recorded(tensor).data);
  const made = tf.tidy(() => build(given));
  const values = made.map((tensor) => pending(backend.recorded(tensor)));
  const plan = planRun(backend.recorder.nodes, values);
  const outputs = backend.sessions.run(plan);
  tf.dispose([...given, ...made]);
  backend.flush();
  // an input may be read in other shapes, as views: they share its array
  const read = plan.inputs.map((value) => {
    const given = arrays.indexOf(value.data);
    return given < 0 ? value : { given, shape: value.shape, type: value.type };
  });
  return { recorded: { key: plan.key, inputs: read }, outputs };
}

function fed({ inputs }: Recorded, given: readonly ReplayInput[]): Value[] {
  return inputs.map((each) =>
    each instanceof Value ? each : concrete(each.type, (given[each.given] as ReplayInput).data, each.shape),
  );
}

function pending(value: Value): Value {
  if (value.pending) return value;
  throw new Error('a replayed computation must compute each of its outputs, and one of them is given');
}

async function evaluate(
  build: (inputs: tf.Tensor[]) => tf.Tensor[],
  inputs: readonly ReplayInput[],
): Promise<TensorData[]> {
  const given = inputs.map(tensorOf);
  const outputs = tf.tidy(() => build(given));
  try {
    return (await Promise.all(outputs.map((tensor) => tensor.data()))) as TensorData[];
  } finally {
    tf.dispose([...given, ...outputs]);
  }
}

const dataOf = (tensor: RuntimeTensor) => tensor.data as TensorData;

function tensorOf({ data, shape }: ReplayInput): tf.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32');
}
