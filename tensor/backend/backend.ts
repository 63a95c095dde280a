// Chooses the TensorFlow.js backend of this process.
import nodeUtil from 'node:util';
import { encodeOnnxModel } from '../../formats/tensors/onnx.ts';
import { UserError } from '../../util/errors.ts';
import { correctGradients } from '../gradients.ts';
import { type Precision, whyNoPrecision } from '../graph/precision.ts';
import { createSession, type Provider, type RuntimeOptions } from '../graph/runtime.ts';
import { tf } from '../tf.ts';
import { BACKEND_NAME, registerOnnx } from './register.ts';
import { findTensorFlow } from './tensorflow-package.ts';
import { bindingHelp, providerHelp } from './ways-out.ts';

/** Where numbers are computed. */
export interface BackendOptions {
  readonly backend: 'onnx' | 'cpu' | 'tensorflow';
  /** Execution provider of `onnx`; default `cpu`. */
  readonly provider?: Provider | undefined;
  /** Threads of one operator on `onnx`; default 1. The bytes of results may depend on it. */
  readonly threads?: number | undefined;
  /** What the operands of matrix products are rounded to on `onnx`; default float32. */
  readonly precision?: Precision | undefined;
  /** Writes ONNX Runtime profiles to files that start so; for benchmarks. */
  readonly profilePrefix?: string | undefined;
}

let current = '';
let registered = '';

/**
 * Registers and selects a backend for this process; the same options twice do nothing the second time.
 * Throws UserError when a package or a provider that the options need is not usable, with the command that helps.
 */
export async function useBackend(options: BackendOptions): Promise<void> {
  const wanted = JSON.stringify([
    options.backend,
    options.provider ?? 'cpu',
    options.threads ?? 1,
    options.precision ?? 'float32',
    options.profilePrefix,
  ]);
  if (wanted === current) return;
  tf.enableProdMode();
  checkThreads(options);
  checkPrecision(options);
  if (options.backend === 'onnx' && registered !== wanted) {
    prepareOnnx(options);
    registered = wanted;
  }
  if (options.backend === 'tensorflow') loadTensorFlow(options.threads ?? 1);
  correctGradients(); // last: TensorFlow's package registers the wrong ones again
  const name = { onnx: BACKEND_NAME, cpu: 'cpu', tensorflow: 'tensorflow' }[options.backend];
  if (!(await tf.setBackend(name))) throw new UserError(`backend '${options.backend}' could not be started`);
  current = wanted;
}

/** Each is made, even where there are fewer cores. */
const mostThreads = 256;

function checkThreads({ threads = 1 }: BackendOptions): void {
  if (Number.isInteger(threads) && threads >= 1 && threads <= mostThreads) return;
  throw new UserError(`threads: expected a whole number of 1 to ${mostThreads}, got ${threads}`);
}

function checkPrecision({ backend, provider = 'cpu', precision = 'float32' }: BackendOptions): void {
  const why = whyNoPrecision({ backend, provider, precision });
  if (why !== undefined) throw new UserError(why);
}

function prepareOnnx(options: BackendOptions): void {
  const threads = options.threads ?? 1;
  const runtime: RuntimeOptions = {
    provider: options.provider ?? 'cpu',
    threads,
    profilePrefix: options.profilePrefix,
  };
  if (runtime.provider !== 'cpu') tryProvider(runtime.provider);
  registerOnnx(runtime, options.precision ?? 'float32');
}

/** Compiles a model of one node, because a provider that is named in the package may still lack its libraries. */
function tryProvider(provider: Provider): void {
  try {
    createSession(probeModel(), { provider, threads: 1 }).dispose();
  } catch (error) {
    throw new UserError(`provider '${provider}' is not usable here: ${firstLine(error)}; ${providerHelp(provider)}`);
  }
}

function probeModel(): Uint8Array {
  const info = { type: 'float32', dims: [1] } as const;
  return encodeOnnxModel({
    irVersion: 10,
    producer: 'lamina',
    opsets: { '': 21 },
    graph: {
      name: 'probe',
      nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
      initializers: [],
      inputs: [{ name: 'x', ...info }],
      outputs: [{ name: 'y', ...info }],
    },
  });
}

let tensorFlowThreads: number | undefined;

/** Loads the TensorFlow binding that the user has installed, beside lamina or in the folder `.gpu`; it keeps its number of threads. */
function loadTensorFlow(threads: number): void {
  if (tensorFlowThreads !== undefined) {
    if (threads === tensorFlowThreads) return;
    throw new Error(
      `TensorFlow runs with ${tensorFlowThreads} threads in this process, and cannot take ${threads} any more`,
    );
  }
  restoreNodeUtil();
  process.env.TF_NUM_INTRAOP_THREADS = String(threads); // the only way to say it
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3'; // errors come back as errors; the rest is greetings
  requireTensorFlow();
  tensorFlowThreads = threads;
}

function requireTensorFlow(): void {
  const found = findTensorFlow();
  if (found === undefined) {
    throw new UserError(
      `backend 'tensorflow' needs '@tensorflow/tfjs-node-gpu' or '@tensorflow/tfjs-node', and neither is installed; ` +
        `install one with 'lamina doctor --install tensorflow'`,
    );
  }
  try {
    found.require(found.name);
  } catch (error) {
    throw new UserError(
      `backend 'tensorflow': '${found.name}' is installed but does not load: ${firstLine(error)}; ${bindingHelp}`,
    );
  }
}

/** What an error says, without ONNX Runtime's place in its own sources and the condition that did not hold there. */
function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line.replace(/^\/onnxruntime_src\/.* was false\. (?=.)/, '');
}

/** tfjs-node 4.22.0 calls helpers that Node 23 removed. */
function restoreNodeUtil(): void {
  const util = nodeUtil as unknown as Record<string, unknown>;
  util.isNullOrUndefined ??= (x: unknown) => x === null || x === undefined;
  util.isArray ??= Array.isArray;
}
