// Which package of TensorFlow's is installed, beside lamina or in the folder `.gpu`; loads nothing.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { installedFolder } from './installed-folder.ts';

/** The packages that bring TensorFlow, the preferred one first. */
export const tensorFlowPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** A package that is there: its name, and what loads it. */
export interface TensorFlowPackage {
  readonly name: string;
  readonly require: NodeJS.Require;
}

/** The one that the backend `tensorflow` loads; undefined where neither is installed. */
export function findTensorFlow(): TensorFlowPackage | undefined {
  const places = packagePlaces();
  const all = tensorFlowPackages.flatMap((name) => places.map((require) => ({ name, require })));
  return all.find(({ name, require }) => isInstalled(require, name));
}

/** What loads a package beside lamina, and what loads one in `.gpu/tensorflow` or `.gpu` of the current folder. */
export function packagePlaces(): NodeJS.Require[] {
  return [createRequire(import.meta.url), createRequire(join(installedFolder('tensorflow'), 'package.json'))];
}

function isInstalled(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}
