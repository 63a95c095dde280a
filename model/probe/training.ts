// The training of a small Llama on the chosen backend: every kind of operator that sharing needs, forward and backward.
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import { parseConfig } from '../architecture/config.ts';
import { createWeights, initWeights, variablesOf } from '../architecture/weights.ts';
import { type Example, ignored } from '../forward/batches.ts';
import { createModel } from '../forward/model.ts';
import { type LanguageModelSettings, trainingSteps, trainLanguageModel } from '../train/language-model-training.ts';
import { adamDefaults } from '../train/optimizer.ts';
import { LossError } from '../train/train.ts';

const config = parseConfig(
  {
    model_type: 'llama',
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 20,
    max_position_embeddings: 64,
  },
  'config.json',
);

const settings: LanguageModelSettings = {
  ...adamDefaults,
  eps: 1e-3, // a gradient that is rounding and nothing else moves no weight
  schedule: 'linear',
  lr: 1e-2,
  warmup_ratio: 0,
  batch_size: 4,
  epochs: 2,
  max_length: 32,
  reduce_loss: 'mean',
  seed: 1,
};

/** Counting sequences: the next token is the last plus one, modulo 20. */
const examples: readonly Example[] = Array.from({ length: 8 }, (_, i) => {
  const ids = Int32Array.from({ length: 6 + i }, (_, t) => (i + t) % 20);
  return { ids, labels: ids.map((id, t) => (t < 2 ? ignored : id)) };
});

/** Steps of the training. */
export const steps = trainingSteps(examples, settings);

/** The loss of every step, then the trained weights, which are the same at the start each time; one NaN where the loss became none. */
export async function trainedNumbers(): Promise<number[]> {
  const variables = variablesOf(initWeights(config, createRandom('probe', 'weights'), { init_std: 0.1 }));
  const model = createModel(createWeights(config, variables));
  try {
    const { losses } = await trainLanguageModel(model, variables, examples, settings);
    const weights = [...variables.values()].map((variable) => variable.dataSync());
    return [...losses, ...weights.flatMap((values) => [...values])];
  } catch (error) {
    if (error instanceof LossError) return [Number.NaN];
    throw error;
  } finally {
    model.disposeFrames();
    tf.dispose([...variables.values()]);
  }
}
