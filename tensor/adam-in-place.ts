// Adam's step over arrays, in place: one pass, where ONNX Runtime makes ten and three new arrays.
import type { AdamNumbers } from './adam.ts';
import { compileLoop, type RunnableLoop } from './wasm.ts';

/** A parameter, its moments and its gradient, of equal lengths; the first three are written. */
export interface AdamArrays {
  readonly variable: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly gradient: Float32Array;
}

/** Elements at a time: four such arrays stay in a core's cache. */
const capacity = 8192;
let compiled: RunnableLoop | undefined;

/** What `adamStep` computes, to the bit. */
export function adamInPlace(arrays: AdamArrays, numbers: AdamNumbers): void {
  compiled ??= adamLoop();
  const { beta1, beta2, rate, eps, clip = 1, keep = 1 } = numbers;
  const parts = [arrays.variable, arrays.first, arrays.second, arrays.gradient];
  const length = arrays.variable.length;
  for (let at = 0; at < length; at += capacity) {
    const count = Math.min(capacity, length - at);
    for (const [i, part] of parts.entries()) compiled.arrays[i]?.set(part.subarray(at, at + count));
    compiled.run(count, beta1, beta2, rate, eps, clip, keep);
    for (const [i, part] of parts.slice(0, 3).entries()) {
      part.set((compiled.arrays[i] as Float32Array).subarray(0, count), at);
    }
  }
}

function adamLoop(): RunnableLoop {
  const [variable, first, second, gradient] = [0, 1, 2, 3] as const;
  const [beta1, beta2, rate, eps, clip, keep] = [0, 1, 2, 3, 4, 5] as const;
  const [g, m, v] = [0, 1, 2] as const;
  return compileLoop({
    arrays: 4,
    capacity,
    numbers: 6,
    locals: 3,
    body({ load, store, number, keep: set, local, add, sub, mul, div, sqrt }) {
      const clipped = set(g, mul(load(gradient), number(clip)));
      const newFirst = set(m, add(mul(load(first), number(beta1)), clipped));
      const newSecond = set(v, add(mul(load(second), number(beta2)), mul(local(g), local(g))));
      const change = mul(div(local(m), add(sqrt(local(v)), number(eps))), number(rate));
      const newVariable = sub(mul(load(variable), number(keep)), change);
      return [...store(first, newFirst), ...store(second, newSecond), ...store(variable, newVariable)];
    },
  });
}
