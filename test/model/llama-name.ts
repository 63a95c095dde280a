// Names of a Llama's tensors, by which tests look into files.
import type { LayerRole } from '../../model/architecture/roles.ts';
import { tensorName } from '../../model/architecture/tensors.ts';

/** Name of the tensor `role` of layer `layer` (from 1). */
export function llamaName(layer: number, role: LayerRole): string {
  return tensorName({ model_type: 'llama' }, layer, role);
}
