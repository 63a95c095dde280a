// Every kernel of the onnx backend; a new file of kernels is one line here.
import type { KernelTable } from '../graph/kernel.ts';
import { BINARY } from './binary.ts';
import { EXPERTS } from './experts.ts';
import { FUSED } from './fused.ts';
import { INDEXING } from './indexing.ts';
import { MATRIX } from './matrix.ts';
import { REDUCTION } from './reduction.ts';
import { SHAPE } from './shape.ts';
import { LIKE, UNARY } from './unary.ts';

export const KERNELS: KernelTable = {
  ...UNARY,
  ...LIKE,
  ...BINARY,
  ...REDUCTION,
  ...SHAPE,
  ...INDEXING,
  ...MATRIX,
  ...FUSED,
  ...EXPERTS,
};
