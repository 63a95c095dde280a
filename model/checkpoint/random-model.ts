// A model of a given shape with random weights: what is timed, or tested, need not have been trained.
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import { createRandom } from '../../util/random.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { tensorSpecs } from '../architecture/tensors.ts';
import { startValues } from '../architecture/weights.ts';
import { type StoredTensor, type TokenizerFiles, writeStored } from './checkpoint.ts';

/** Of every matrix, as models are initialised; norms are 1, biases 0. */
const deviation = 0.02;
/** Of one tensor, which is made in float32. */
const mostNumbers = 2 ** 31;

/** Writes the model of `config` to `path` in bfloat16, tensor by tensor; each tensor's numbers follow from `seed` and its name. */
export async function writeRandomModel(
  path: string,
  { config, tokenizer }: { config: ModelConfig; tokenizer: TokenizerFiles },
  seed: number,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  for (const tensor of tensorSpecs(config)) {
    const { name, shape } = tensor;
    checkSize(name, shape);
    const values = () => startValues(tensor, deviation, createRandom('random-llama', seed, name));
    tensors.set(name, { dtype: 'BF16', shape, bytes: async () => fromFloat32('BF16', values()) });
  }
  await writeStored(path, config, tensors, tokenizer, onProgress);
}

/** A config.json may say anything. */
function checkSize(name: string, shape: readonly number[]): void {
  if (shape.reduce((a, b) => a * b, 1) <= mostNumbers) return;
  throw new UserError(
    `tensor '${name}' must have at most ${mostNumbers} numbers to be made up, got [${shape.join(', ')}]`,
  );
}
