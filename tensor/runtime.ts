// ONNX Runtime's native binding behind a small interface: sessions that are made and run synchronously.
import { createRequire } from 'node:module';
import { listSupportedBackends, Tensor } from 'onnxruntime-node';

/** Where a session computes. */
export type Provider = 'cpu' | 'webgpu' | 'cuda';

/** A tensor as ONNX Runtime takes and gives it: element type, dimensions, typed array. */
export type RuntimeTensor = Tensor;

/** Arrays that hold the element types lamina computes with. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** How sessions are built; `threads` is the size of the intra-operator pool, the calling thread included. */
export interface RuntimeOptions {
  readonly provider: Provider;
  readonly threads: number;
  /** Writes a trace of each session to files that start so (for benchmarks). */
  readonly profilePrefix?: string | undefined;
}

/** A compiled model. */
export interface Session {
  run(
    feeds: Record<string, RuntimeTensor>,
    fetches: Record<string, RuntimeTensor | null>,
  ): Record<string, RuntimeTensor>;
  dispose(): void;
}

/** What we use of `onnxruntime-node/dist/binding.js` 1.30.0; the package's own `run` defers exactly this call. */
interface NativeSession {
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  run(feeds: object, fetches: object, options: object): Record<string, RuntimeTensor>;
  endProfiling(): void;
  dispose(): void;
}

const require = createRequire(import.meta.url);
const RUN_OPTIONS = { logSeverityLevel: 3 };

/** Compiles `model` (ONNX protobuf bytes). Throws ONNX Runtime's own error when it refuses the model. */
export function createSession(model: Uint8Array, options: RuntimeOptions): Session {
  const { binding, initOrt } = require('onnxruntime-node/dist/binding.js') as {
    binding: { InferenceSession: new () => NativeSession };
    initOrt: () => void;
  };
  initOrt();
  const native = new binding.InferenceSession();
  native.loadModel(model.buffer, model.byteOffset, model.byteLength, sessionOptions(options));
  return {
    run: (feeds, fetches) => native.run(feeds, fetches, RUN_OPTIONS),
    dispose: () => {
      if (options.profilePrefix !== undefined) native.endProfiling();
      native.dispose();
    },
  };
}

/** A runtime tensor over `data`, which is not copied. */
export function runtimeTensor(
  type: 'float32' | 'int32' | 'bool',
  data: TensorData,
  dims: readonly number[],
): RuntimeTensor {
  return new Tensor(type, data, dims);
}

/** The providers that this build of ONNX Runtime names (being named is not being usable). */
export function namedProviders(): string[] {
  return listSupportedBackends().map((backend) => backend.name);
}

/**
 * Spinning is off because worker processes share cores: a waiting pool must not burn its neighbour's time. Denormals are
 * zero because masked attention scores and young Adam moments are full of them and each costs a hundred cycles (softmax
 * of causal scores: 1.5 ms without, 6 ms with); ONNX Runtime sets this for the calling thread, so for JavaScript too.
 * Memory patterns are off because a planned block comes on top of the arena: half again the memory, and no faster; the
 * arena itself pays, since without it every run returns its pages and faults them in again (7 % of a training step).
 */
function sessionOptions(options: RuntimeOptions): object {
  return {
    executionProviders: options.provider === 'cpu' ? ['cpu'] : [options.provider, 'cpu'],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    enableCpuMemArena: true,
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(options.profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
  };
}
