// The libraries that backends are made of: which are installed, in which version, where; loads none of them.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findTensorFlow, tensorFlowPackages } from './tensorflow-package.ts';

/** A package that is looked for; `version` and `folder` are null where it is not there. */
export interface Library {
  readonly name: string;
  readonly version: string | null;
  readonly folder: string | null;
}

/** TensorFlow.js, ONNX Runtime, and TensorFlow in the package that is installed (the last that was looked for where none is). */
export function librariesHere(): Library[] {
  const require = createRequire(import.meta.url);
  const found = findTensorFlow() ?? { name: tensorFlowPackages[1], require };
  return [
    libraryOf('@tensorflow/tfjs', require),
    libraryOf('onnxruntime-node', require),
    libraryOf(found.name, found.require),
  ];
}

function libraryOf(name: string, require: NodeJS.Require): Library {
  const folder = folderOf(name, require);
  if (folder === undefined) return { name, version: null, folder: null };
  return { name, version: versionIn(folder), folder };
}

/** Where the package lies, as Node looks for it. */
function folderOf(name: string, require: NodeJS.Require): string | undefined {
  const places = require.resolve.paths(name) ?? [];
  return places.map((place) => join(place, name)).find((folder) => existsSync(join(folder, 'package.json')));
}

function versionIn(folder: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null; // loading it will say what is wrong
  }
}
