// A decoder with a cache, small enough to be written by hand: token t's keys and values are row t of its embedding.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeOnnxModel, ONNX_TYPES, type OnnxModel, type OnnxNode } from '../../formats/tensors/onnx.ts';

export interface DecoderShape {
  layers: number;
  heads: number;
  width: number;
  vocabulary: number;
  /** The embedding lies in model.onnx.data. */
  external: boolean;
  /** The type of the cache. */
  cache: 'float32' | 'float16';
}

const shapes: DecoderShape = { layers: 2, heads: 2, width: 4, vocabulary: 32, external: true, cache: 'float32' };
const int64 = (values: readonly number[]) => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);

/** The model; `change` edits it before it is encoded. */
export function decoderModel(shape: Partial<DecoderShape> = {}): OnnxModel {
  const { layers, heads, width, vocabulary, external, cache: cacheType } = { ...shapes, ...shape };
  const hidden = heads * width;
  const embedding = { name: 'embedding', type: 'float32', dims: [vocabulary, hidden] } as const;
  const length = 4 * vocabulary * hidden;
  const data = external
    ? { location: 'model.onnx.data', offset: 0, length }
    : new Uint8Array(embeddingValues(vocabulary * hidden).buffer);
  const caches = Array.from({ length: layers }, (_, i) => [`${i}.key`, `${i}.value`]).flat();
  const cachePort = (name: string, time: string) =>
    ({ name, type: cacheType, dims: ['batch', heads, time, width] }) as const;
  const nodes: OnnxNode[] = [
    { op: 'Gather', inputs: ['embedding', 'input_ids'], outputs: ['x'] },
    { op: 'Reshape', inputs: ['x', 'head_shape'], outputs: ['split'] },
    { op: 'Transpose', inputs: ['split'], outputs: ['turned'], attributes: { perm: { ints: [0, 2, 1, 3] } } },
    { op: 'Cast', inputs: ['turned'], outputs: ['states'], attributes: { to: { int: ONNX_TYPES[cacheType] } } },
    ...caches.map((cache) => ({
      op: 'Concat',
      inputs: [`past_key_values.${cache}`, 'states'],
      outputs: [`present.${cache}`],
      attributes: { axis: { int: 2 } },
    })),
    { op: 'Transpose', inputs: ['embedding'], outputs: ['head'], attributes: { perm: { ints: [1, 0] } } },
    { op: 'MatMul', inputs: ['x', 'head'], outputs: ['logits'] },
  ];
  const ids = (name: string, time: string) => ({ name, type: 'int64', dims: ['batch', time] }) as const;
  return {
    irVersion: 10,
    producer: 'lamina',
    opsets: { '': 21 },
    graph: {
      name: 'decoder',
      nodes,
      initializers: [
        { ...embedding, data },
        { name: 'head_shape', type: 'int64', dims: [4], data: int64([0, 0, heads, width]) },
      ],
      inputs: [
        ids('input_ids', 'time'),
        ids('attention_mask', 'all'),
        ids('position_ids', 'time'),
        ...caches.map((cache) => cachePort(`past_key_values.${cache}`, 'past')),
      ],
      outputs: [
        { name: 'logits', type: 'float32', dims: ['batch', 'time', vocabulary] },
        ...caches.map((cache) => cachePort(`present.${cache}`, 'all')),
      ],
    },
  };
}

/** Writes the decoder's files into `folder`; bytes of each. */
export function writeDecoder(folder: string, shape: Partial<DecoderShape> = {}, model = decoderModel(shape)) {
  const { heads, width, vocabulary, external } = { ...shapes, ...shape };
  const [path, data] = [join(folder, 'decoder.onnx'), join(folder, 'decoder.data')];
  const bytes = encodeOnnxModel(model);
  writeFileSync(path, bytes);
  const values = embeddingValues(vocabulary * heads * width);
  if (external) writeFileSync(data, new Uint8Array(values.buffer));
  return { path, data, bytes: bytes.byteLength, data_bytes: external ? values.byteLength : 0 };
}

const embeddingValues = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i));
