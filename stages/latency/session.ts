// Times one exported decoder in ONNX Runtime: creating its session, a prompt at once, then tokens one at a time with the cache.
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type FileSession,
  openModelFile,
  type Provider,
  type RuntimePort,
  type RuntimeTensor,
  runtimeTensor,
  startRuntime,
} from '../../tensor/graph/runtime.ts';
import { UserError } from '../../util/errors.ts';
import { median } from '../../util/statistics.ts';
import { type Spent, stopwatch } from '../../util/stopwatch.ts';

/** What to time. */
export interface LatencyRequest {
  /** The file `model.onnx`; its external data lie in the same folder. */
  readonly path: string;
  readonly provider: Provider;
  readonly threads: number;
  /** Tokens of the prompt. */
  readonly prompt_tokens: number;
  /** Tokens after it, one at a time. */
  readonly decode_tokens: number;
  /** Passes over the prompt before those that are timed. */
  readonly warmups: number;
  /** Passes over the prompt that are timed, each with an empty cache. */
  readonly passes: number;
}

/** What one process measured: seconds of wall time, seconds of processor time of all threads, bytes of resident memory. */
export interface LatencySample {
  /** From the file's name to a session that is ready. */
  readonly load_s: number;
  readonly load_cpu_s: number;
  /** One pass over the prompt: the median of the passes. */
  readonly forward_s: number;
  readonly forward_cpu_s: number;
  /** All decode steps together. */
  readonly decode_s: number;
  readonly decode_cpu_s: number;
  /** The process's peak, and what it held before the model was loaded. */
  readonly peak_bytes: number;
  readonly base_bytes: number;
  /** Shape of the prompt's logits, [1, T, V]. */
  readonly logits_shape: readonly number[];
  /** Positions in the cache at the end. */
  readonly cached_tokens: number;
}

/** Numbers of `TensorProto.DataType` that a cache may have. */
const cacheTypes = { 1: 'float32', 10: 'float16' } as const;
const present = (name: string) => name.replace('past_key_values', 'present');

/** Runs the whole measurement in this process, which should be fresh. A UserError for a file that is not such a model. */
export async function measureLatency(request: LatencyRequest): Promise<LatencySample> {
  const { prompt_tokens, decode_tokens, warmups, passes } = request;
  startRuntime();
  const base_bytes = residentBytes('VmRSS');
  const [session, load] = timed(() => open(request));
  const decoder = new Decoder(session);
  let logits_shape: readonly number[] = [];
  const forward: Spent[] = [];
  for (let i = 0; i < warmups + passes; i++) {
    decoder.forget();
    const [shape, time] = timed(() => decoder.step(prompt_tokens));
    logits_shape = shape;
    if (i >= warmups) forward.push(time);
    await nextTurn(); // a runner that is gone is noticed between two passes
  }
  const decode: Spent[] = [];
  for (let i = 0; i < decode_tokens; i++) {
    decode.push(timed(() => decoder.step(1))[1]);
    if (i % 16 === 15) await nextTurn();
  }
  return {
    load_s: load.wall_s,
    load_cpu_s: load.cpu_s,
    forward_s: median(forward.map(({ wall_s }) => wall_s)),
    forward_cpu_s: median(forward.map(({ cpu_s }) => cpu_s)),
    decode_s: decode.reduce((sum, { wall_s }) => sum + wall_s, 0),
    decode_cpu_s: decode.reduce((sum, { cpu_s }) => sum + cpu_s, 0),
    base_bytes,
    peak_bytes: Math.max(base_bytes, residentBytes('VmHWM')),
    logits_shape,
    cached_tokens: decoder.length,
  };
}

function open(request: LatencyRequest): FileSession {
  try {
    return openModelFile(request.path, request);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    throw new UserError(`ONNX Runtime does not load it: ${reason}`);
  }
}

function timed<T>(work: () => T): [T, Spent] {
  const spent = stopwatch();
  const result = work();
  return [result, spent()];
}

/** Feeds token after token; which tokens does not matter to the time, so they count through the vocabulary. */
class Decoder {
  /** Positions in the cache. */
  length = 0;
  readonly #session: FileSession;
  readonly #cachePorts: readonly RuntimePort[];
  readonly #feedsPositions: boolean;
  readonly #vocabulary: number;
  readonly #fetches: Record<string, null>;
  #cache: Record<string, RuntimeTensor> = {};

  constructor(session: FileSession) {
    checkPorts(session);
    this.#session = session;
    this.#cachePorts = session.inputs.filter(({ name }) => name.startsWith('past_key_values.'));
    this.#feedsPositions = session.inputs.some(({ name }) => name === 'position_ids');
    this.#vocabulary = Math.max(1, session.outputs.find(({ name }) => name === 'logits')?.shape.at(-1) ?? 1);
    this.#fetches = Object.fromEntries(['logits', ...this.#cachePorts.map(({ name }) => present(name))].map(nothing));
    this.forget();
  }

  /** Empties the cache. */
  forget(): void {
    this.length = 0;
    this.#cache = Object.fromEntries(this.#cachePorts.map((port) => [port.name, emptyCache(port)]));
  }

  /** Runs `count` more tokens and keeps their keys and values; the shape of the logits. */
  step(count: number): readonly number[] {
    const positions = Array.from({ length: count }, (_, i) => this.length + i);
    const { logits, ...cache } = this.#session.run(
      {
        input_ids: int64(positions.map((position) => (position + 1) % this.#vocabulary)),
        attention_mask: int64(Array.from({ length: this.length + count }, () => 1)),
        ...(this.#feedsPositions && { position_ids: int64(positions) }),
        ...this.#cache,
      },
      this.#fetches,
    );
    this.length += count;
    for (const { name } of this.#cachePorts) this.#cache[name] = cache[present(name)] as RuntimeTensor;
    return (logits as RuntimeTensor).dims;
  }
}

const nothing = (name: string): [string, null] => [name, null];

/** A row of whole numbers, [1, n]. */
function int64(values: readonly number[]): RuntimeTensor {
  return runtimeTensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
}

/** No positions yet: [1, K, 0, head_dim]. */
function emptyCache({ type, shape }: RuntimePort): RuntimeTensor {
  const dims = [1, shape[1] as number, 0, shape[3] as number];
  return cacheTypes[type as 1 | 10] === 'float16'
    ? runtimeTensor('float16', new Uint16Array(0), dims)
    : runtimeTensor('float32', new Float32Array(0), dims);
}

/** Throws a UserError unless the model has the inputs and outputs of a decoder with a cache. */
function checkPorts({ inputs, outputs }: FileSession): void {
  const known = (name: string) =>
    /^(input_ids|attention_mask|position_ids|past_key_values\.\d+\.(key|value))$/.test(name);
  const stranger = inputs.find(({ name }) => !known(name));
  if (stranger !== undefined) throw notADecoder(`an input '${stranger.name}'`);
  for (const name of ['input_ids', 'attention_mask']) {
    if (!inputs.some((port) => port.name === name)) throw notADecoder(`no input '${name}'`);
  }
  // layers that do not attend have none
  const cachePorts = inputs.filter(({ name }) => name.startsWith('past_key_values.'));
  if (cachePorts.length === 0) throw notADecoder("no input 'past_key_values.{i}.key'");
  for (const name of ['logits', ...cachePorts.map((port) => present(port.name))]) {
    if (!outputs.some((port) => port.name === name)) throw notADecoder(`no output '${name}'`);
  }
  const odd = cachePorts.find(({ type, shape }) => !(type in cacheTypes) || shape.length !== 4 || !isKnown(shape));
  if (odd !== undefined) throw notADecoder(`an input '${odd.name}' of shape [${odd.shape}] and type ${odd.type}`);
}

/** Batch and time may vary; heads and their width must be numbers. */
function isKnown([, heads = -1, , width = -1]: readonly number[]): boolean {
  return heads > 0 && width > 0;
}

function notADecoder(what: string): UserError {
  return new UserError(
    `it has ${what}, expected a decoder with a cache as 'export' with format: onnx writes it: input_ids, attention_mask, position_ids and past_key_values.{i}.key and .value [batch, heads, past, width] in, logits and present.{i}.key and .value out`,
  );
}

/** A figure of Linux's /proc; elsewhere what Node knows. */
function residentBytes(field: 'VmRSS' | 'VmHWM'): number {
  try {
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kib !== undefined) return 1024 * Number(kib);
  } catch {
    // no /proc here
  }
  return field === 'VmRSS' ? process.memoryUsage.rss() : 1024 * process.resourceUsage().maxRSS;
}
