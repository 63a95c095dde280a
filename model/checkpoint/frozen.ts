// The weights of a model that is run and not trained: what it multiplies with, as it is stored.
import { wordsOf } from '../../formats/tensors/dtype.ts';
import { hasNarrow, narrowTensor } from '../../tensor/backend/narrow.ts';
import type { Weights } from '../architecture/weights.ts';
import type { Replacement } from '../sharing/replacement.ts';
import { neededTensors } from '../sharing/sources.ts';
import { loadWeights, type ModelCheckpoint, type ReadTensor, readWide, type StoredTensor } from './checkpoint.ts';

/**
 * The weights that a frozen model with `replacements` reads, no others. Matrices of 16-bit floats stay so where the backend can widen them
 * whenever they are read, which changes no bit of what is computed. The caller disposes them.
 */
export function loadFrozen(checkpoint: ModelCheckpoint, replacements: readonly Replacement[]): Promise<Weights> {
  const needed = neededTensors(checkpoint.config, replacements);
  const names = [...checkpoint.tensors.keys()].filter((name) => needed.has(name));
  return loadWeights(checkpoint, names, hasNarrow() ? readStored : readWide);
}

const readStored: ReadTensor = async (checkpoint, name) => {
  const { dtype, shape, bytes } = checkpoint.tensors.get(name) as StoredTensor;
  if (shape.length < 2 || (dtype !== 'BF16' && dtype !== 'F16')) return readWide(checkpoint, name);
  return narrowTensor({ dtype, bits: wordsOf(await bytes()) }, [...shape]);
};
