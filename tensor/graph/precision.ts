// What the operands of matrix products are rounded to, and which devices multiply such numbers themselves.
import type { Provider } from './runtime.ts';

/** Sums, norms, softmax, losses, optimizers and everything that is kept are float32 in each of them. */
export type Precision = 'float32' | 'bfloat16' | 'float16';

/** A precision of 16 bits. */
export type NarrowPrecision = Exclude<Precision, 'float32'>;

/** All of them. */
export const precisions: readonly Precision[] = ['float32', 'bfloat16', 'float16'];

const native: Readonly<Record<Provider, readonly Precision[]>> = {
  cpu: ['float32'],
  webgpu: ['float32', 'float16'],
  cuda: ['float32', 'bfloat16', 'float16'],
};

/** False where numbers that were rounded to the precision are multiplied as float32: right, and no faster. */
export function multipliesIn(provider: Provider, precision: Precision): boolean {
  return native[provider].includes(precision);
}

/** Why products of a precision cannot be had at all, with the way out; undefined where they can. */
export function whyNoPrecision({ backend, provider, precision }: Choice): string | undefined {
  if (precision === 'float32' || (backend === 'onnx' && provider !== 'webgpu')) return undefined;
  if (backend !== 'onnx') {
    return `precision '${precision}' is of the backend 'onnx', expected float32 with backend '${backend}'`;
  }
  if (precision === 'float16') return undefined;
  return `precision '${precision}': WebGPU has no such numbers, expected float16 or float32 with provider 'webgpu'`;
}

interface Choice {
  readonly backend: string;
  readonly provider: Provider;
  readonly precision: Precision;
}
