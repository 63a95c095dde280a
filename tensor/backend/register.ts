// Registers the backend `onnx` and its kernels with TensorFlow.js; kernels we lack are registered to say so.
import { UserError } from '../../util/errors.ts';
import type { Value } from '../graph/graph.ts';
import type { Kernel } from '../graph/kernel.ts';
import type { Precision } from '../graph/precision.ts';
import type { RuntimeOptions } from '../graph/runtime.ts';
import { KERNELS } from '../kernels/table.ts';
import { tf } from '../tf.ts';
import { OnnxBackend } from './onnx-backend.ts';
import { SessionCache } from './sessions.ts';

export const BACKEND_NAME = 'onnx';

/** Registers `onnx` with a session cache of its own; an earlier registration is removed with its sessions. */
export function registerOnnx(options: RuntimeOptions, precision: Precision): void {
  if (tf.engine().backendNames().includes(BACKEND_NAME)) tf.removeBackend(BACKEND_NAME);
  else registerKernels();
  tf.registerBackend(BACKEND_NAME, () => new OnnxBackend(new SessionCache(options), precision), 0);
}

function registerKernels(): void {
  for (const [name, kernel] of Object.entries(KERNELS)) register(name, recording(kernel));
  register('Identity', shareData);
  register('Reshape', shareData);
  register('ExpandDims', shareData);
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (tf.getKernel(kernelName, BACKEND_NAME) === undefined) register(kernelName, () => refuse(kernelName));
  }
}

function register(kernelName: string, kernelFunc: tf.KernelFunc): void {
  tf.registerKernel({ kernelName, backendName: BACKEND_NAME, kernelFunc });
}

function recording(kernel: Kernel): tf.KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const onnx = backend as OnnxBackend;
    const values: Record<string, Value> = {};
    for (const name in inputs) {
      const info = inputs[name];
      if (info !== undefined && info !== null) values[name] = onnx.recorded(info);
    }
    const result = kernel(onnx.recorder, values, attrs ?? {});
    return Array.isArray(result) ? result.map((value) => onnx.adopt(value)) : onnx.adopt(result);
  };
}

/** Kernels that change nothing but the shape share the data id. */
const shareData: tf.KernelFunc = ({ inputs, attrs, backend }) => {
  const onnx = backend as OnnxBackend;
  const info = (inputs.x ?? inputs.input) as tf.TensorInfo;
  onnx.incRef(info.dataId);
  return { dataId: info.dataId, shape: newShape(info.shape, attrs as ShapeAttrs | undefined), dtype: info.dtype };
};

interface ShapeAttrs {
  readonly shape?: number[];
  readonly dim?: number;
}

function newShape(shape: number[], attrs: ShapeAttrs | undefined): number[] {
  if (attrs?.shape !== undefined) return tf.util.inferFromImplicitShape(attrs.shape, tf.util.sizeFromShape(shape));
  if (attrs?.dim === undefined) return shape;
  const axis = attrs.dim < 0 ? shape.length + 1 + attrs.dim : attrs.dim;
  return [...shape.slice(0, axis), 1, ...shape.slice(axis)];
}

function refuse(kernelName: string): never {
  throw new UserError(
    `kernel '${kernelName}' is not in the onnx backend; run with --backend cpu or add it in 'tensor/kernels/'`,
  );
}
