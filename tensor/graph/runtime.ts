// ONNX Runtime's native binding behind a small interface: sessions that are made and run synchronously.
import { createRequire } from 'node:module';
import { listSupportedBackends, Tensor } from 'onnxruntime-node';
import { loadCudaLibraries } from './cuda-libraries.ts';

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
  /** Keep what a run needed for the next one; default false: it goes back to the C library. */
  readonly arena?: boolean | undefined;
  /** Outputs that stay in the device's memory (provider webgpu): tensors without data, which other sessions take, and which are to be disposed. */
  readonly onDevice?: readonly string[] | undefined;
}

/** A compiled model. */
export interface Session {
  run(
    feeds: Record<string, RuntimeTensor>,
    fetches: Record<string, RuntimeTensor | null>,
  ): Record<string, RuntimeTensor>;
  dispose(): void;
}

/** An input or output as a model declares it: a size of -1 is symbolic. */
export interface RuntimePort {
  readonly name: string;
  /** Number of `TensorProto.DataType`. */
  readonly type: number;
  readonly shape: readonly number[];
}

/** A session over a model file, with what it declares. */
export interface FileSession extends Session {
  readonly inputs: readonly RuntimePort[];
  readonly outputs: readonly RuntimePort[];
}

/** What we use of `onnxruntime-node/dist/binding.js` 1.30.0; the package's own `run` defers exactly this call. */
interface NativeSession {
  readonly inputMetadata: readonly RuntimePort[];
  readonly outputMetadata: readonly RuntimePort[];
  loadModel(path: string, options: object): void;
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void;
  run(feeds: object, fetches: object, options: object): Record<string, RuntimeTensor>;
  endProfiling(): void;
  dispose(): void;
}

const require = createRequire(import.meta.url);
const RUN_OPTIONS = { logSeverityLevel: 3 };

/**
 * Opens the model file `path` as ONNX Runtime does by default, save for the thread count: with its own optimisations, memory
 * planning and spinning. `startRuntime` may be called before, so that loading the library is not part of it.
 */
export function openModelFile(path: string, { provider, threads }: RuntimeOptions): FileSession {
  const native = emptySession();
  native.loadModel(path, {
    executionProviders: providersFor(provider),
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  return {
    inputs: native.inputMetadata,
    outputs: native.outputMetadata,
    run: (feeds, fetches) => native.run(withHalves(feeds), fetches, RUN_OPTIONS),
    dispose: () => native.dispose(),
  };
}

/**
 * Where there is a Float16Array (Node 24), ONNX Runtime makes one of each float16 tensor and takes none back: it sees no bytes in them. Such
 * feeds are given as the 16-bit words that they are.
 */
function withHalves(feeds: Readonly<Record<string, RuntimeTensor>>): object {
  const entries = Object.entries(feeds).map(([name, tensor]): [string, object] => {
    if (tensor.type !== 'float16' || tensor.data instanceof Uint16Array) return [name, tensor];
    const { buffer, byteOffset, byteLength } = tensor.data as unknown as Uint16Array;
    const data = new Uint16Array(buffer, byteOffset, byteLength / 2);
    return [name, { type: 'float16', data, dims: tensor.dims, location: 'cpu' }];
  });
  return Object.fromEntries(entries);
}

/** Loads ONNX Runtime where that has not been done; otherwise the first session does. */
export function startRuntime(): void {
  emptySession();
}

function emptySession(): NativeSession {
  const { binding, initOrt } = require('onnxruntime-node/dist/binding.js') as {
    binding: { InferenceSession: new () => NativeSession };
    initOrt: () => void;
  };
  initOrt();
  return new binding.InferenceSession();
}

/** Compiles `model` (ONNX protobuf bytes). Throws ONNX Runtime's own error when it refuses the model. */
export function createSession(model: Uint8Array, options: RuntimeOptions): Session {
  const native = emptySession();
  native.loadModel(model.buffer, model.byteOffset, model.byteLength, sessionOptions(options));
  return {
    run: (feeds, fetches) => native.run(feeds, fetches, RUN_OPTIONS),
    dispose: () => {
      if (options.profilePrefix !== undefined) native.endProfiling();
      native.dispose();
    },
  };
}

/** The provider, and the CPU for what it lacks; NVIDIA's libraries are loaded for the one that needs them. */
function providersFor(provider: Provider): string[] {
  if (provider === 'cuda') loadCudaLibraries();
  return provider === 'cpu' ? ['cpu'] : [provider, 'cpu'];
}

/** A runtime tensor over `data`, which is not copied. */
export function runtimeTensor(
  type: 'float32' | 'int32' | 'bool' | 'int64' | 'float16',
  data: TensorData | BigInt64Array | Uint16Array,
  dims: readonly number[],
): RuntimeTensor {
  return new Tensor(type, data as Float32Array, dims);
}

/** A tensor of a device in another shape of as many elements; it shares its memory, and is not to be disposed. */
export function deviceView(tensor: RuntimeTensor, dims: readonly number[]): RuntimeTensor {
  return Tensor.fromGpuBuffer(tensor.gpuBuffer, { dataType: tensor.type as 'float32', dims });
}

/** The providers that this build of ONNX Runtime names (being named is not being usable). */
export function namedProviders(): string[] {
  return listSupportedBackends().map((backend) => backend.name);
}

/**
 * Spinning is off because worker processes share cores: a waiting pool must not burn its neighbour's time. Denormals are
 * zero because masked attention scores and young Adam moments are full of them and each costs a hundred cycles (softmax
 * of causal scores: 1.5 ms without, 6 ms with); ONNX Runtime sets this for the calling thread, so for JavaScript too.
 * Memory patterns are off because a planned block comes on top of the arena: half again the memory, and no faster.
 */
function sessionOptions(options: RuntimeOptions): object {
  return {
    executionProviders: providersFor(options.provider),
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    enableCpuMemArena: options.arena ?? false,
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(options.profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    ...(options.onDevice === undefined
      ? {}
      : { preferredOutputLocation: Object.fromEntries(options.onDevice.map((name) => [name, 'gpu-buffer'])) }),
    extra: { session: { intra_op: { allow_spinning: '0' }, set_denormal_as_zero: '1' } },
  };
}
