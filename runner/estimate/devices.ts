// What devices can do, as their makers publish it: for estimates of work that has not run yet.
import { availableParallelism } from 'node:os';
import type { Numerics } from '../../contract/stage.ts';
import { machineMemory } from '../executor/this-machine.ts';

/** A device that a plan is estimated for. */
export interface Device {
  name: string;
  title: string;
  memory_bytes: number;
  /** Peak operations per second of matrix products, as `products` says. */
  flops_per_second: number;
  /** How the peak is reached: in which format the products are taken. */
  products: 'float32' | 'TF32' | '16 bits';
  /** The share of the peak that is assumed, where the user gives none. */
  utilisation: number;
  /** Seconds that a layer takes to begin, in a run on a token or a few; 0 where nobody has measured it. */
  start_s: number;
  /** Where the figures come from. */
  source: string;
}

const GB = 1e9;
const TFLOPS = 1e12;

/** Without being measured: what well-kept training reaches on large matrices. */
const assumedUtilisation = 0.4;

/**
 * Dense peaks (without sparsity) of matrix products in TF32 where there is such, else in float32, and of products of 16 bits that are added
 * up in float32; memory as sold.
 */
const gpus: readonly (readonly [
  name: string,
  title: string,
  memory: number,
  peak: number,
  'TF32' | 'float32',
  narrow: number,
])[] = [
  ['h200', 'NVIDIA H200 SXM', 141, 494, 'TF32', 989],
  ['h100', 'NVIDIA H100 SXM', 80, 494, 'TF32', 989],
  ['a100-80gb', 'NVIDIA A100 SXM 80 GB', 80, 156, 'TF32', 312],
  ['a100-40gb', 'NVIDIA A100 40 GB', 40, 156, 'TF32', 312],
  ['l40s', 'NVIDIA L40S', 48, 183, 'TF32', 362],
  ['rtx4090', 'NVIDIA GeForce RTX 4090', 24, 82.6, 'TF32', 165],
  ['rtx3090', 'NVIDIA GeForce RTX 3090', 24, 35.6, 'TF32', 71],
  ['t4', 'NVIDIA T4', 16, 8.1, 'float32', 65],
];

/** Names that `deviceNamed` knows. */
export const deviceNames: readonly string[] = [...gpus.map(([name]) => name), 'cpu'];

/** The device called `name` at products of a precision; undefined when there is none. `cpu` is the machine that this runs on, which has those of float32. */
export function deviceNamed(name: string, precision: Numerics['precision'] = 'float32'): Device | undefined {
  if (name === 'cpu') return thisMachine();
  const found = gpus.find(([each]) => each === name);
  if (found === undefined) return undefined;
  const [, title, memory, peak, wide, narrow] = found;
  const reached = precision === 'float32' ? { peak, products: wide } : { peak: narrow, products: '16 bits' as const };
  const figures = { memory_bytes: memory * GB, flops_per_second: reached.peak * TFLOPS, products: reached.products };
  return {
    name,
    title,
    ...figures,
    utilisation: assumedUtilisation,
    start_s: 0,
    source: 'as published by NVIDIA, dense',
  };
}

/** What one core reached on a product of two matrices of 1,024 x 1,024, and which share of it lamina takes: 57 to 94 % alone on a machine, as steps and whole stages of bench/README.md. */
const coreFlops = 80e9;
const cpuUtilisation = 0.5;

/** Of a layer in a decoding step of models/tiny, on one core: docs/plan.md. */
const layerStart_s = 0.2e-3;

function thisMachine(): Device {
  const cores = availableParallelism();
  return {
    name: 'cpu',
    title: `this machine, ${cores} CPU core${cores === 1 ? '' : 's'}`,
    memory_bytes: machineMemory(),
    flops_per_second: cores * coreFlops,
    products: 'float32',
    utilisation: cpuUtilisation,
    start_s: layerStart_s / cores, // as many attempts side by side
    source: '80 GFLOP/s per core, as measured on one machine in bench/README.md',
  };
}
