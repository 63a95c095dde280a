// Every kernel, every function of tensor/ops.ts and every gradient on `onnx`.
import { conformance } from './conformance.ts';

conformance('onnx', { backend: 'onnx' });
