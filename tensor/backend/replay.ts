// A computation that is recorded once and replayed with new inputs: where a step is small, recording it again takes longer
// than running it.
import { concrete, type ElementType, type Shape, Value } from '../graph/graph.ts';
import { planRun } from '../graph/lowering.ts';
import { type RuntimeTensor, runtimeTensor, type TensorData } from '../graph/runtime.ts';
import { tf } from '../tf.ts';
import { OnnxBackend } from './onnx-backend.ts';

/** An input by its content; `data` is not copied. */
export interface ReplayInput {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
  /**
   * An axis that may have another length each time, without another recording. What is computed may depend on it by operators
   * alone, not by its number: sums, products and joins do, a split into given sizes does not.
   */
  readonly free?: number | undefined;
}

/**
 * Computes the outputs for inputs of always the same types and shapes but for free axes; the arrays returned are the caller's. Arrays
 * of an earlier answer that nobody reads any more may be given as `into`: they are then written instead of new ones, where that can be.
 */
export type Replay = (inputs: readonly ReplayInput[], into?: readonly TensorData[]) => Promise<TensorData[]>;

/**
 * The computation that `build` writes down, over its inputs and over tensors that must neither change nor be freed while it is
 * used. Backend `onnx` calls `build` once, the others each time. It has no gradient.
 */
export function createReplay(build: (inputs: tf.Tensor[]) => tf.Tensor[]): Replay {
  let recorded: Recorded | undefined;
  return async (inputs, into) => {
    const backend = tf.backend();
    if (!(backend instanceof OnnxBackend)) return evaluate(build, inputs);
    const again =
      recorded && backend.sessions.rerun(recorded.key, fed(recorded, inputs), into && answers(recorded, into));
    if (again !== undefined) return again.map(dataOf);
    const first = record(backend, build, inputs);
    recorded = first.recorded;
    return first.outputs.map(dataOf);
  };
}

/** True where a replay is recorded once, and its inputs and answers are in this process anyway. */
export function replays(): boolean {
  const backend = tf.backend();
  return backend instanceof OnnxBackend && backend.sessions.device === undefined;
}

/** One computation for each combination of sizes; `build` is asked for those that are new. */
export function createReplays(
  build: (...sizes: number[]) => (inputs: tf.Tensor[]) => tf.Tensor[],
): (...sizes: number[]) => Replay {
  const known = new Map<string, Replay>();
  return (...sizes) => {
    const key = sizes.join();
    const replay = known.get(key) ?? createReplay(build(...sizes));
    known.set(key, replay);
    return replay;
  };
}

/** A compiled recording, and what it reads: fixed values, or given inputs by their number, in the shape that is read. */
interface Recorded {
  readonly key: string;
  readonly inputs: readonly (Value | GivenInput)[];
  readonly outputs: readonly Pick<RuntimeTensor, 'type' | 'dims'>[];
}

interface GivenInput {
  readonly given: number;
  readonly type: ElementType;
  /** Undefined where it has a free axis: it is then read in the shape that is given. */
  readonly shape: Shape | undefined;
}

function record(
  backend: OnnxBackend,
  build: (inputs: tf.Tensor[]) => tf.Tensor[],
  inputs: readonly ReplayInput[],
): { recorded: Recorded; outputs: RuntimeTensor[] } {
  backend.flush(); // what others have recorded is not part of this
  const given = inputs.map(inputTensor);
  const values = given.map((tensor) => backend.recorded(tensor));
  inputs.forEach(({ free }, i) => {
    (values[i] as Value).free = free;
  });
  const made = tf.tidy(() => build(given));
  const wanted = made.map((tensor) => pending(backend.recorded(tensor)));
  const plan = planRun(backend.recorder.nodes, wanted);
  const outputs = backend.sessions.runHere(plan);
  tf.dispose([...given, ...made]);
  backend.flush();
  const read = plan.inputs.map((value) => readAs(value, values));
  const shapes = outputs.map(({ type, dims }) => ({ type, dims }));
  return { recorded: { key: plan.key, inputs: read, outputs: shapes }, outputs };
}

/** An input may be read in other shapes, as views: they share its array. */
function readAs(value: Value, given: readonly Value[]): Value | GivenInput {
  const at = given.findIndex(({ numbers }) => numbers === value.numbers);
  if (at < 0) return value;
  const free = given[at]?.free;
  if (free !== value.free) throw new Error('an input with a free axis must be read in its own shape');
  return { given: at, type: value.type, shape: free === undefined ? value.shape : undefined };
}

function fed({ inputs }: Recorded, given: readonly ReplayInput[]): Value[] {
  return inputs.map((each) => {
    if (each instanceof Value) return each;
    const { data, shape } = given[each.given] as ReplayInput;
    return concrete(each.type, data, each.shape ?? shape);
  });
}

/** Arrays as the tensors that a session writes; they must be those of an answer to inputs of the same shapes. */
function answers({ outputs }: Recorded, into: readonly TensorData[]): RuntimeTensor[] {
  return outputs.map(({ type, dims }, i) => runtimeTensor(type as 'float32', into[i] as TensorData, dims));
}

function pending(value: Value): Value {
  if (value.pending) return value;
  throw new Error('a replayed computation must compute each of its outputs, and one of them is given');
}

async function evaluate(
  build: (inputs: tf.Tensor[]) => tf.Tensor[],
  inputs: readonly ReplayInput[],
): Promise<TensorData[]> {
  const given = inputs.map(inputTensor);
  const outputs = tf.tidy(() => build(given));
  try {
    return (await Promise.all(outputs.map((tensor) => tensor.data()))) as TensorData[];
  } finally {
    tf.dispose([...given, ...outputs]);
  }
}

const dataOf = (tensor: RuntimeTensor) => tensor.data as TensorData;

/** An input as a tensor, which the caller frees. */
export function inputTensor({ data, shape }: ReplayInput): tf.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32');
}
