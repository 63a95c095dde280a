// Runs exported ONNX decoders in ONNX Runtime, from Node and as WebAssembly, with the same feeds.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { InferenceSession as WebSession, Tensor as WebTensor } from 'onnxruntime-web';
import type { ModelConfig } from '../../model/architecture/model-config.ts';

type Data = Float32Array | Uint16Array | BigInt64Array;

/** A value that goes in or comes out. */
export interface Value {
  readonly type: 'float32' | 'float16' | 'int64';
  readonly dims: readonly number[];
  readonly data: Data;
}

export type Values = Record<string, Value>;

/** A loaded model, whichever runtime it is in. */
export interface Runtime {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The type of the model's cache. */
  readonly float: 'float32' | 'float16';
  run(feeds: Values): Promise<Values>;
  close(): Promise<void>;
}

/** 4-bit weights behind DequantizeLinear are multiplied in float32; by default ONNX Runtime rounds activations once more, to int8. */
const extra = { session: { qdq_matmulnbits_accuracy_level: '1' } };

/** The folder's model in onnxruntime-node. */
export async function inNode(folder: string): Promise<Runtime> {
  const session = await InferenceSession.create(join(folder, 'model.onnx'), { intraOpNumThreads: 1, extra });
  return runtimeOf(session as unknown as AnySession, Tensor as unknown as AnyTensor);
}

/** The folder's model in onnxruntime-web, which gets the weights as bytes. */
export async function inWeb(folder: string): Promise<Runtime> {
  const path = 'model.onnx.data';
  const externalData = [{ path, data: await readFile(join(folder, path)) }];
  const session = await WebSession.create(await readFile(join(folder, 'model.onnx')), { externalData, extra });
  return runtimeOf(session as unknown as AnySession, WebTensor as unknown as AnyTensor);
}

interface AnySession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly unknown[];
  run(feeds: Record<string, unknown>): Promise<Values>;
  release(): Promise<void>;
}

type AnyTensor = new (type: string, data: Data, dims: readonly number[]) => unknown;

function runtimeOf(session: AnySession, AnyTensor: AnyTensor): Runtime {
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    float: (session.inputMetadata[3] as { type: 'float32' | 'float16' }).type,
    async run(feeds) {
      const entries = Object.entries(feeds).map(([name, value]) => [name, tensorOf(value, AnyTensor)]);
      return session.run(Object.fromEntries(entries));
    },
    close: () => session.release(),
  };
}

/** On Node 24 a float16 tensor holds a Float16Array, in which onnxruntime-node sees no bytes: it gets the words (tensor/graph/runtime.ts). */
function tensorOf({ type, data, dims }: Value, AnyTensor: AnyTensor): unknown {
  const tensor = new AnyTensor(type, data, dims);
  if (type !== 'float16') return tensor;
  const cpuData = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  return Object.assign(tensor as object, { cpuData });
}

/** One call: rows of tokens, their mask over past and tokens, their positions, and the past (empty by default). */
export interface Call {
  readonly ids: readonly (readonly number[])[];
  readonly mask?: readonly (readonly number[])[];
  readonly positions?: readonly (readonly number[])[];
  readonly past?: Values;
}

/** The feeds of a call to a model of `config` whose cache is of type `float`. */
export function feedsOf(
  config: ModelConfig,
  { ids, mask, positions, past }: Call,
  float: 'float32' | 'float16' = 'float32',
): Values {
  const [kept] = Object.entries(past ?? {}).filter(([name]) => name.endsWith('.key'));
  const seen = kept?.[1].dims[2] ?? 0;
  const feeds: Values = {
    input_ids: int64(ids),
    attention_mask: int64(mask ?? ids.map((row) => Array.from({ length: seen + row.length }, () => 1))),
    position_ids: int64(positions ?? ids.map((row) => row.map((_, t) => seen + t))),
  };
  const dims = [ids.length, config.num_key_value_heads, 0, config.head_dim];
  const none: Value = { type: float, dims, data: float === 'float32' ? new Float32Array() : new Uint16Array() };
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    for (const kind of ['key', 'value']) {
      feeds[`past_key_values.${layer}.${kind}`] = past?.[`present.${layer}.${kind}`] ?? none;
    }
  }
  return feeds;
}

function int64(rows: readonly (readonly number[])[]): Value {
  return { type: 'int64', dims: [rows.length, rows[0]?.length ?? 0], data: BigInt64Array.from(rows.flat(), BigInt) };
}
