// The libraries that backends are made of: which are installed, in which version, where; loads none of them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packagePlaces, tensorFlowPackages } from './tensorflow-package.ts';

/** A package that is looked for; `version` and `folder` are null where it is not there. */
export interface Library {
  readonly name: string;
  readonly version: string | null;
  readonly folder: string | null;
}

/** TensorFlow.js, ONNX Runtime and the packages of TensorFlow. */
export function librariesHere(): Library[] {
  const [beside] = packagePlaces() as [NodeJS.Require];
  const own = ['@tensorflow/tfjs', 'onnxruntime-node'].map((name) => libraryOf(name, [beside]));
  return [...own, ...tensorFlowPackages.map((name) => libraryOf(name, packagePlaces()))];
}

/** The package where Node finds it first. */
function libraryOf(name: string, places: readonly NodeJS.Require[]): Library {
  const folders = places.flatMap((require) => require.resolve.paths(name) ?? []).map((place) => join(place, name));
  const folder = folders.find((each) => existsSync(join(each, 'package.json')));
  return folder === undefined ? { name, version: null, folder: null } : { name, version: versionIn(folder), folder };
}

function versionIn(folder: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null; // loading it will say what is wrong
  }
}
