// What is found out about a backend that was tried.

/** What lamina may be asked to compute on; `provider` is null but for the backend `onnx`. */
export interface BackendChoice {
  readonly backend: 'onnx' | 'tensorflow' | 'cpu';
  readonly provider: 'cpu' | 'webgpu' | 'cuda' | null;
}

/** Numbers held against those of plain JavaScript. */
export interface Comparison {
  /** The largest difference, as a share of the largest number; null where a number is none (NaN, infinity). */
  readonly difference: number | null;
  readonly tolerance: number;
  readonly right: boolean;
}

/** What crosses between the processor's memory and a device while a small model is trained. */
export interface Crossing {
  /** Steps of the training. */
  readonly steps: number;
  /** Operators that ran. */
  readonly operators: number;
  /** How often which operator ran on the processor in the device's stead. */
  readonly left_to_cpu: Readonly<Record<string, number>>;
  /** Bytes of the inputs that were handed to the runtime, and of the outputs that came back. */
  readonly fed_bytes: number;
  readonly fetched_bytes: number;
}

/** What a process finds out that has loaded a backend and computed with it. */
export interface Findings {
  /** The library that computed, with its version. */
  readonly computed_by: string;
  /** A matrix product. */
  readonly product: Comparison;
  /** The losses and the weights of a small model's training; null on `cpu`, which is what the others are compared with. */
  readonly training: Comparison | null;
  /** `none` where all is computed in the processor's memory, `unknown` where the library does not say. */
  readonly crossing: Crossing | 'none' | 'unknown';
}

/** What is being done, in this order; `engine` is what lamina computes with on every backend, ONNX Runtime among it. */
export type Phase = 'engine' | 'load' | 'product' | 'training';

/** How far it is tried: whether it loads at all, or what it computes too. */
export type Depth = 'load' | 'whole';

/** What a backend came to that was tried in a process of its own. */
export interface Probe extends BackendChoice {
  readonly verdict: 'usable' | 'wrong' | 'unusable';
  /** Why it is not usable, with the way out; null where it is. */
  readonly reason: string | null;
  /** Shared libraries that the system looked for and did not find, by what the process wrote. */
  readonly missing: readonly string[];
  /** The last lines that its process wrote. */
  readonly said: readonly string[];
  /** Null where it is unusable. */
  readonly findings: Findings | null;
}
