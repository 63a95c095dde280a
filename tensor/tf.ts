// The one way to TensorFlow.js: `tf`, with gradients, optimizers and chained methods.
import { createRequire } from 'node:module';
import type * as tfjs from '@tensorflow/tfjs';

const require = createRequire(import.meta.url);

/** Required: an import would search 1.3 MB of CommonJS for the names of its exports, 0.45 s in every process. */
export const tf = require('@tensorflow/tfjs') as typeof tfjs;

/** The types that lamina uses, under the same name. */
export declare namespace tf {
  export type BackendTimingInfo = tfjs.BackendTimingInfo;
  export type BackendValues = tfjs.BackendValues;
  export type DataId = tfjs.DataId;
  export type DataMover = tfjs.DataMover;
  export type DataStorage<T> = tfjs.DataStorage<T>;
  export type DataType = tfjs.DataType;
  export type FillAttrs = tfjs.FillAttrs;
  export type GatherV2Attrs = tfjs.GatherV2Attrs;
  export type GradConfig = tfjs.GradConfig;
  export type GradFunc = tfjs.GradFunc;
  export type GradSaveFunc = tfjs.GradSaveFunc;
  export type KernelBackend = tfjs.KernelBackend;
  export type KernelFunc = tfjs.KernelFunc;
  export type LinSpaceAttrs = tfjs.LinSpaceAttrs;
  export type MirrorPadAttrs = tfjs.MirrorPadAttrs;
  export type OneHotAttrs = tfjs.OneHotAttrs;
  export type PadV2Attrs = tfjs.PadV2Attrs;
  export type RangeAttrs = tfjs.RangeAttrs;
  export type Rank = tfjs.Rank;
  export type Scalar = tfjs.Scalar;
  export type SplitVAttrs = tfjs.SplitVAttrs;
  export type StridedSliceAttrs = tfjs.StridedSliceAttrs;
  export type Tensor<R extends tfjs.Rank = tfjs.Rank> = tfjs.Tensor<R>;
  export type Tensor1D = tfjs.Tensor1D;
  export type Tensor2D = tfjs.Tensor2D;
  export type Tensor3D = tfjs.Tensor3D;
  export type Tensor4D = tfjs.Tensor4D;
  export type TensorInfo = tfjs.TensorInfo;
  export type Variable<R extends tfjs.Rank = tfjs.Rank> = tfjs.Variable<R>;
}
