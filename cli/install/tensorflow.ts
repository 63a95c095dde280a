// How the backend `tensorflow` is installed from npm and PyPI alone: tfjs-node's binding, compiled against the C library of TensorFlow's wheel.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiler, npm, pip, type Recipe, type Site, type Step } from './recipe.ts';
import { fetchWheels, requirementsOf, unpackWheels } from './wheels.ts';

/** The versions that were tried together. */
const versions = { node: '4.22.0', headers: '1.9.0', tensorflow: '2.21.0' };

const packageFolder = 'node_modules/@tensorflow/tfjs-node';
/** From the binding to the libraries: the folder may be moved as a whole. */
const toLibraries = '$ORIGIN/../../../../../site/tensorflow';

const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
const headers = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/'];
const files = ['tensorflow/libtensorflow', ...headers.map((each) => `tensorflow/include/${each}`)];

/** TensorFlow for the processor. */
export const tensorFlowForCpu: Recipe = {
  name: 'tensorflow',
  title: `TensorFlow ${versions.tensorflow} for the CPU`,
  tools: [npm, pip, compiler],
  fetched_bytes: 0.35e9,
  kept_bytes: 1.2e9,
  peak_bytes: 1.5e9,
  steps: [fetchPackage(), fetchTensorFlow('tensorflow-cpu'), unpack(files), compile()],
};

/** TensorFlow for NVIDIA's GPUs, with the libraries of CUDA that its wheel names. */
export const tensorFlowForGpu: Recipe = {
  ...tensorFlowForCpu,
  title: `TensorFlow ${versions.tensorflow} for NVIDIA's GPUs`,
  fetched_bytes: 3.5e9,
  kept_bytes: 6e9,
  peak_bytes: 10e9,
  steps: [
    fetchPackage(),
    fetchTensorFlow('tensorflow'),
    { name: "NVIDIA's libraries, from PyPI", run: fetchCuda },
    unpack([...files, 'nvidia/']),
    compile(),
  ],
};

function fetchPackage(): Step {
  const packages = [`@tensorflow/tfjs-node@${versions.node}`, `node-api-headers@${versions.headers}`];
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  return {
    name: `tfjs-node ${versions.node}, from npm`,
    run: async ({ folder, call }) => {
      writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
      // its own script would fetch a library from a site of its own
      await call(['npm', 'install', '--prefix', folder, '--ignore-scripts', ...quiet, ...packages]);
    },
  };
}

function fetchTensorFlow(name: string): Step {
  return {
    name: `TensorFlow ${versions.tensorflow}, from PyPI`,
    run: (site) => fetchWheels(site, [`${name}==${versions.tensorflow}`]),
  };
}

async function fetchCuda(site: Site): Promise<void> {
  await fetchWheels(site, await requirementsOf(site, 'tensorflow', 'and-cuda'));
}

function unpack(prefixes: readonly string[]): Step {
  return { name: 'unpacking', run: (site) => unpackWheels(site, prefixes) };
}

function compile(): Step {
  return {
    name: 'compiling the binding',
    run: async ({ folder, call }) => {
      const at = join(folder, packageFolder);
      const site = join(folder, 'site/tensorflow');
      const to = join(at, 'lib/napi-v8');
      mkdirSync(to, { recursive: true });
      const includes = [join(folder, 'node_modules/node-api-headers/include'), join(site, 'include'), at];
      await call([
        ...(['g++', '-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8'] as const),
        ...includes.flatMap((each) => ['-I', each]),
        ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(at, 'binding', name)),
        ...['-o', join(to, 'binding.part'), ...libraries.map((name) => join(site, name)), `-Wl,-rpath,${toLibraries}`],
      ]);
      renameSync(join(to, 'binding.part'), join(to, 'tfjs_binding.node'));
    },
  };
}
