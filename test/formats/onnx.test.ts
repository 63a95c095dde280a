// The ONNX writer, read back by hand against onnx.proto's field numbers and by ONNX Runtime itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { InferenceSession as WebSession, Tensor as WebTensor } from 'onnxruntime-web';
import { expect, it } from 'vitest';
import { encodeOnnxModel, type OnnxModel, type OnnxTensor } from '../../formats/tensors/onnx.ts';

/** y = x [n, 2] times w [2, 2], then Gemm-free LeakyRelu with a float attribute. */
function model(w: OnnxTensor): OnnxModel {
  return {
    irVersion: 10,
    producer: 'test',
    opsets: { '': 21 },
    graph: {
      name: 'g',
      nodes: [
        { op: 'MatMul', inputs: ['x', w.name], outputs: ['p'] },
        { op: 'LeakyRelu', inputs: ['p'], outputs: ['q'], attributes: { alpha: { float: 0.5 } } },
        { op: 'Transpose', inputs: ['q'], outputs: ['y'], attributes: { perm: { ints: [1, 0] } } },
      ],
      initializers: [w],
      inputs: [{ name: 'x', type: 'float32', dims: ['n', 2] }],
      outputs: [{ name: 'y', type: 'float32', dims: [2, 'n'] }],
    },
  };
}

const WEIGHTS = new Uint8Array(Float32Array.of(1, -2, 3, -4).buffer);

it('the smallest model has the bytes that onnx.proto prescribes', () => {
  const bytes = encodeOnnxModel({
    irVersion: 10,
    producer: '',
    opsets: { '': 21 },
    graph: { name: 'g', nodes: [], initializers: [], inputs: [], outputs: [] },
  });
  // ir_version (1) = 10; producer_name (2) = ''; graph (7) of 3 bytes: name (2) = 'g'; opset_import (8): domain (1) '', version (2) 21
  expect(Buffer.from(bytes).toString('hex')).toBe('080a' + '1200' + '3a03120167' + '42040a001015');
});

it('ONNX Runtime computes an inline model with symbolic dimensions', async () => {
  const bytes = encodeOnnxModel(model({ name: 'w', type: 'float32', dims: [2, 2], data: WEIGHTS }));
  const session = await InferenceSession.create(bytes);
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 0, 0, 1, 1, 1), [3, 2]) });
  // rows of x W: [1, -2], [3, -4], [4, -6]; halved below zero; transposed
  expect(Array.from(y?.data as Float32Array)).toEqual([1, 3, 4, -1, -2, -3]);
  await session.release();
});

it('ONNX Runtime Web computes the same', async () => {
  const session = await WebSession.create(
    encodeOnnxModel(model({ name: 'w', type: 'float32', dims: [2, 2], data: WEIGHTS })),
  );
  const { y } = await session.run({ x: new WebTensor('float32', Float32Array.of(1, 0, 0, 1, 1, 1), [3, 2]) });
  expect(Array.from(y?.data as Float32Array)).toEqual([1, 3, 4, -1, -2, -3]);
  await session.release();
});

it('ONNX Runtime reads external data at its offset', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-onnx-'));
  writeFileSync(join(folder, 'w.bin'), Buffer.concat([Buffer.alloc(64), WEIGHTS]));
  const data = { location: 'w.bin', offset: 64, length: 16 };
  writeFileSync(join(folder, 'm.onnx'), encodeOnnxModel(model({ name: 'w', type: 'float32', dims: [2, 2], data })));
  const session = await InferenceSession.create(join(folder, 'm.onnx'));
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 0), [1, 2]) });
  expect(Array.from(y?.data as Float32Array)).toEqual([1, -1]);
  await session.release();
  rmSync(folder, { recursive: true });
});

it('attributes of every kind are accepted', async () => {
  const bytes = encodeOnnxModel({
    irVersion: 10,
    producer: 'test',
    opsets: { '': 21 },
    graph: {
      name: 'g',
      nodes: [
        { op: 'Constant', inputs: [], outputs: ['a'], attributes: { value_floats: { floats: [0.5, -1.5] } } },
        {
          op: 'Constant',
          inputs: [],
          outputs: ['b'],
          attributes: {
            value: {
              tensor: { name: 't', type: 'float32', dims: [2], data: new Uint8Array(Float32Array.of(2, 4).buffer) },
            },
          },
        },
        { op: 'Einsum', inputs: ['a', 'b'], outputs: ['c'], attributes: { equation: { string: 'i,j->ij' } } },
        { op: 'ReduceSum', inputs: ['c', ''], outputs: ['y'], attributes: { keepdims: { int: 0 } }, name: 'sum' },
      ],
      initializers: [],
      inputs: [],
      outputs: [{ name: 'y', type: 'float32', dims: [] }],
    },
  });
  const session = await InferenceSession.create(bytes);
  const { y } = await session.run({});
  // (0.5 - 1.5) (2 + 4)
  expect(Array.from(y?.data as Float32Array)).toEqual([-6]);
  await session.release();
});
