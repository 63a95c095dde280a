// What a run reads, as ONNX Runtime takes it.
import { widened } from '../widen.ts';
import type { Value } from './graph.ts';
import { type RuntimeTensor, runtimeTensor } from './runtime.ts';

/** The tensors of concrete values; those of narrow ones are lent until the next call. */
export function tensorsOf(values: readonly Value[]): RuntimeTensor[] {
  const wide = widened(values.flatMap(({ narrow }) => (narrow === undefined ? [] : [narrow])));
  return values.map((value) => {
    if (value.narrow === undefined) return value.runtime();
    return runtimeTensor('float32', wide.shift() as Float32Array, value.shape);
  });
}
