// How the provider `cuda` of ONNX Runtime is installed from PyPI alone: the provider's libraries, and those of CUDA and cuDNN.
import { lstatSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { cudaProviders } from '../../tensor/graph/cuda-libraries.ts';
import { runtimeFolder, runtimeVersion } from '../../tensor/graph/runtime-package.ts';
import { UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-error.ts';
import { pip, type Recipe } from './recipe.ts';
import { fetchWheels, unpackWheels } from './wheels.ts';

/** Of CUDA 13 and cuDNN 9, for which ONNX Runtime 1.30's provider is built. */
const nvidia = [
  'nvidia-cublas==13.10.0.20',
  'nvidia-cuda-nvrtc==13.5.37',
  'nvidia-cuda-runtime==13.5.37',
  'nvidia-cudnn-cu13==9.28.1.4',
  'nvidia-cufft==12.5.0.14',
  'nvidia-curand==10.4.5.25',
];

const capi = 'onnxruntime/capi';

/** The provider of the version of ONNX Runtime that lamina computes with. */
export const cudaForOnnx: Recipe = {
  name: 'cuda',
  title: `the CUDA provider of ONNX Runtime ${runtimeVersion()}`,
  tools: [pip],
  fetched_bytes: 1.52e9,
  kept_bytes: 2.35e9,
  peak_bytes: 3.9e9,
  steps: [
    {
      name: `ONNX Runtime ${runtimeVersion()} for GPUs, from PyPI`,
      run: (site) => fetchWheels(site, [`onnxruntime-gpu==${runtimeVersion()}`]),
    },
    { name: "NVIDIA's libraries, from PyPI", run: (site) => fetchWheels(site, nvidia) },
    {
      name: 'unpacking',
      run: (site) => unpackWheels(site, ['nvidia/', ...cudaProviders.map((name) => `${capi}/${name}`)], ['/include/']),
    },
  ],
  join: linkProviders,
};

/** ONNX Runtime looks for a provider beside its own library and nowhere else. `npm ci` removes the links; installing again makes them. */
function linkProviders(folder: string): void {
  for (const name of cudaProviders) {
    const link = join(runtimeFolder(), name);
    try {
      const there = lstatSync(link, { throwIfNoEntry: false });
      if (there !== undefined && !there.isSymbolicLink()) {
        throw new UserError(`'${link}' is there already and is not lamina's; remove it, and install again`);
      }
      rmSync(link, { force: true });
      symlinkSync(join(folder, 'site', capi, name), link);
    } catch (error) {
      throw fileError(error, link, 'cannot link the provider as');
    }
  }
}
