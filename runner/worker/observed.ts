// What a worker process computes with, as far as it can be seen from here: kept with each record, and part of no key.
import { cpus } from 'node:os';
import type { Numerics } from '../../contract/stage.ts';
import type { Observed } from '../../store/record.ts';
import { type Gpu, gpusOf } from '../../util/gpus.ts';
import { findPackage } from '../../util/node-packages.ts';

/** The package of each backend that has one beside this program. */
const packages: Readonly<Record<Numerics['backend'], readonly string[]>> = {
  onnx: ['onnxruntime-node'],
  tensorflow: ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'],
  cpu: ['@tensorflow/tfjs'],
};

/** The processor; the libraries of the backend, and the GPUs where one may be computed on. `numerics`: undefined for a stage without arithmetic. */
export function observe(numerics: Numerics | undefined): Observed {
  const processor = cpus()[0]?.model.trim();
  const usesGpu = numerics !== undefined && (numerics.backend === 'tensorflow' || numerics.provider !== 'cpu');
  const [gpu] = usesGpu ? gpusOf() : [];
  return {
    versions: { node: process.versions.node, ...(numerics && libraries(numerics)) },
    machine: { system: `${process.platform} ${process.arch}`, ...(processor && { processor }), ...(gpu && ofGpu(gpu)) },
  };
}

function libraries({ backend }: Numerics): Record<string, string> {
  const found = packages[backend].map((name) => findPackage(name, import.meta.dirname)).find((each) => each);
  return found === undefined ? {} : { [found.name]: found.version };
}

function ofGpu({ name, driver, driver_version }: Gpu): Record<string, string> {
  const parts = [driver, driver_version].filter((part) => part !== null);
  return { gpu: name, ...(parts.length > 0 && { driver: parts.join(' ') }) };
}
