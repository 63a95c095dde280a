// A forward pass, and steps of training loops that are let through in rounds.
import { createWeights } from '../../model/architecture/weights.ts';
import { loadModel } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery } from '../../model/checkpoint/recovery-file.ts';
import { type Batch, ignored, makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { languageModelLoss } from '../../model/forward/loss.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { train } from '../../model/train/train.ts';
import { tf } from '../../tensor/tf.ts';
import { repeat } from '../decoding.ts';
import type { Workload } from '../serve.ts';
import { StepGate } from '../step-gate.ts';
import { readIntegers } from './arrays.ts';
import type { EngineInputs } from './inputs.ts';
import { batchCount, learningRate, trainingRate } from './settings.ts';
import type { Extent } from './sizes.ts';

type Inputs = Pick<EngineInputs, 'checkpoint' | 'arrays' | 'sizes' | 'recovery'>;
type Variables = ReadonlyMap<string, tf.Variable>;

/** The value is the mean loss of the answers' tokens. */
export async function forwardWorkload({ checkpoint, arrays, sizes }: Inputs): Promise<Workload> {
  const { weights } = await loadModel(checkpoint);
  const model = createModel(weights);
  const batches = batchesOf(await readIntegers(arrays, 'forward'), sizes.forward);
  let step = 0;
  return repeat(async () => {
    const loss = tf.tidy(() => languageModelLoss(model, batches[step++ % batchCount] as Batch));
    const [value] = await loss.data();
    loss.dispose();
    return value as number;
  });
}

/** A step of all recovery parameters on the frozen model; the value is its loss. */
export async function sftStepWorkload({ checkpoint, arrays, sizes, recovery }: Inputs): Promise<Workload> {
  const { weights, config } = await loadModel(checkpoint);
  const parts = await readRecovery([recovery], config);
  const batches = batchesOf(await readIntegers(arrays, 'step'), sizes.step);
  return training(createModel(weights, parts), parts.parameters, batches, learningRate);
}

/** A step of every weight; the value is its loss. */
export async function trainStepWorkload({ checkpoint, arrays, sizes }: Inputs): Promise<Workload> {
  const { weights, config } = await loadModel(checkpoint);
  const variables = new Map<string, tf.Variable>();
  for (const name of weights.names) {
    const tensor = weights.get(name);
    variables.set(name, tf.variable(tensor));
    tensor.dispose();
  }
  const batches = batchesOf(await readIntegers(arrays, 'step'), sizes.step);
  return training(createModel(createWeights(config, variables)), variables, batches, trainingRate);
}

/** The training loop of the stages, let through in rounds; the value is the last step's loss. */
function training(model: Model, variables: Variables, batches: readonly Batch[], rate: number): Workload {
  const gate = new StepGate();
  let last = 0;
  const running = train<Batch>({
    variables,
    steps: Number.MAX_SAFE_INTEGER,
    adam: adamDefaults,
    learningRate: () => rate,
    async batches(step) {
      await gate.pass();
      return [batches[step % batchCount] as Batch];
    },
    loss: (batch) => languageModelLoss(model, batch),
    onProgress: (_step, _total, value) => {
      last = value;
    },
  });
  return {
    async round(steps) {
      await Promise.race([gate.round(steps), running]);
      return last;
    },
  };
}

/** Texts of one length whose second half is scored; the weights of a batch add up to 1. */
function batchesOf(values: Int32Array, { batch, tokens }: Extent): Batch[] {
  const texts = Array.from({ length: values.length / tokens }, (_, i) => values.slice(i * tokens, (i + 1) * tokens));
  return Array.from({ length: batchCount }, (_, i) => {
    const examples = texts.slice(i * batch, (i + 1) * batch).map((ids) => ({ ids, labels: answerOf(ids) }));
    const made = makeBatch(examples, batch, tokens);
    return scaleWeights(made, 1 / made.count);
  });
}

function answerOf(ids: Int32Array): Int32Array {
  return ids.map((id, t) => (t < ids.length / 2 ? ignored : id));
}
