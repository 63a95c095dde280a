// What a run reads, as ONNX Runtime takes it, and what somebody reads of a run.
import { widened, widenedCopy } from '../widen.ts';
import type { DeviceMemory } from './device-memory.ts';
import type { Numbers, Value } from './graph.ts';
import { type RuntimeTensor, runtimeTensor, type TensorData } from './runtime.ts';

/** The tensors of concrete values, on the device where there is one; those of narrow ones are lent until the next call. */
export function tensorsOf(values: readonly Value[], device: DeviceMemory | undefined): RuntimeTensor[] {
  if (device !== undefined) return values.map((value) => device.tensorOf(value));
  const wide = widened(values.flatMap(({ numbers }) => numbers?.narrow ?? []));
  return values.map((value) => {
    if (value.numbers?.narrow === undefined) return value.runtime();
    return runtimeTensor('float32', wide.shift() as Float32Array, value.shape);
  });
}

/** The numbers of a concrete value; of one that is narrow or on a device a copy. */
export function contentOf(value: Value, device: DeviceMemory | undefined): TensorData {
  const { data, narrow, device: there } = value.numbers as Numbers;
  if (there !== undefined) return (device as DeviceMemory).read(there);
  return narrow === undefined ? (data as TensorData) : widenedCopy(narrow);
}
