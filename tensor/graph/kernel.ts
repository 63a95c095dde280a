// What a kernel of the onnx backend is: a function that records the nodes of one TensorFlow.js kernel.
import type { Recorder, Value } from './graph.ts';

/** A kernel's tensors by TensorFlow.js's names for them (`x`, `a`, `b`, `indices`, ...), or by position. */
export type Inputs = Readonly<Record<string, Value>>;

/** Records the nodes that compute one kernel; `attrs` are TensorFlow.js's attributes of that kernel. */
export type Kernel = (g: Recorder, inputs: Inputs, attrs: Readonly<Record<string, unknown>>) => Value | Value[];

/** Kernels by their TensorFlow.js name. */
export type KernelTable = Readonly<Record<string, Kernel>>;

/** The input called `name`. Throws when TensorFlow.js did not give it. */
export function input(inputs: Inputs, name: string): Value {
  const value = inputs[name];
  if (value === undefined) throw new Error(`kernel input '${name}' is missing`);
  return value;
}
