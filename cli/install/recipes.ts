// What `lamina doctor --install` can install.
import type { Installable } from '../../tensor/backend/installed-folder.ts';
import { UserError } from '../../util/errors.ts';
import { cudaForOnnx } from './cuda.ts';
import type { Recipe } from './recipe.ts';
import { tensorFlowForCpu, tensorFlowForGpu } from './tensorflow.ts';

/** The recipe that the flags name; undefined where nothing is to be installed. */
export function recipeFor({ install, gpu }: { install?: Installable; gpu?: boolean }): Recipe | undefined {
  if (gpu && install !== 'tensorflow') throw new UserError("--gpu goes with '--install tensorflow' alone");
  if (install === undefined) return undefined;
  if (install === 'cuda') return cudaForOnnx;
  return gpu ? tensorFlowForGpu : tensorFlowForCpu;
}
