// NVIDIA's libraries for ONNX Runtime's provider `cuda`, where `lamina doctor --install cuda` has put them.
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { namesIn } from '../../util/names-in.ts';
import { runtimeFolder } from './runtime-package.ts';

/** What ONNX Runtime 1.30 loads as a provider: these lie beside its own library, as links to where they were unpacked. */
export const cudaProviders = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'] as const;

/** What the provider needs of CUDA 13 and cuDNN 9, each after what it needs itself. */
const needed = [
  'libcudart.so.13',
  'libcublasLt.so.13',
  'libcublas.so.13',
  'libcurand.so.10',
  'libnvrtc.so.13',
  'libcufft.so.12',
  'libcudnn.so.9',
];

/** glibc's RTLD_NODELETE, which Node does not name: what is no addon is closed again otherwise. */
const stays = 0x1000;

let loaded = false;

/**
 * Loads them for the whole process, so that the provider finds them by name without LD_LIBRARY_PATH. Where they were not installed so, or
 * one does not load, nothing is said: the provider then says what it lacks.
 */
export function loadCudaLibraries(): void {
  if (loaded) return;
  loaded = true;
  const provider = join(runtimeFolder(), cudaProviders[1]);
  if (!existsSync(provider)) return;
  const nvidia = join(dirname(realpathSync(provider)), '../../nvidia');
  const folders = namesIn(nvidia).map((name) => join(nvidia, name, 'lib'));
  for (const name of needed) {
    const path = folders.map((folder) => join(folder, name)).find(existsSync);
    if (path !== undefined) loadLibrary(path);
  }
}

function loadLibrary(path: string): void {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_LAZY | constants.dlopen.RTLD_GLOBAL | stays);
  } catch {
    // always, because a library registers no addon; it is loaded all the same
  }
}
