// Training: it learns, goes on exactly after a kill, accumulates as one batch would, and stops at a loss that is no number.
import { beforeAll, describe, expect, it } from 'vitest';
import { createWeights, initWeights, variablesOf } from '../../model/architecture/weights.ts';
import type { Example } from '../../model/forward/batches.ts';
import { createModel } from '../../model/forward/model.ts';
import { createRecovery, disposeRecovery } from '../../model/sharing/recovery.ts';
import { replacementsOf } from '../../model/sharing/replacement.ts';
import {
  type LanguageModelSettings,
  trainingSteps,
  trainLanguageModel,
} from '../../model/train/language-model-training.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tensorStats } from '../../tensor/backend/stats.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import { expectClose, scratch } from './fixtures.ts';
import { tinyConfig, tinyWeights } from './tiny.ts';

const config = tinyConfig({ num_hidden_layers: 3 });
const settings: LanguageModelSettings = {
  ...adamDefaults,
  schedule: 'linear',
  lr: 1e-2,
  warmup_ratio: 0.1,
  batch_size: 4,
  epochs: 2,
  max_length: 32,
  reduce_loss: 'mean',
  seed: 7,
};

/** Counting sequences: the next token is the last plus one, modulo 20. */
const examples: Example[] = Array.from({ length: 24 }, (_, i) => {
  const ids = Int32Array.from({ length: 6 + (i % 9) }, (_, t) => (i + t) % 20);
  return { ids, labels: ids.map((id, t) => (t < 2 ? -100 : id)) };
});

/** Trains fresh weights and returns the values of all of them. */
async function pretrain(over: Partial<LanguageModelSettings>, run: { folder?: string; killAt?: number } = {}) {
  const variables = variablesOf(initWeights(config, createRandom('train', 1), { init_std: 0.02 }));
  const model = createModel(createWeights(config, variables));
  const { folder, killAt } = run;
  const onProgress = (step: number) => {
    if (step === killAt) throw new Error('killed');
  };
  const save = folder === undefined ? undefined : { folder, every_steps: 3 };
  const { losses } = await trainLanguageModel(
    model,
    variables,
    examples,
    { ...settings, ...over },
    { save, onProgress },
  );
  const values = await Promise.all([...variables.values()].map(async (variable) => (await variable.data()).slice()));
  model.disposeFrames();
  tf.dispose([...variables.values()]);
  return { losses, values };
}

/** Losses and recovery parameters after three steps of sft, two layers sharing one's MLP. */
async function tuned(candidate: string, gradient_checkpointing: boolean) {
  const weights = tinyWeights(config);
  const map = [{ reference: 1, targets: [2] }];
  const recovery = createRecovery(config, replacementsOf(map, candidate, 2), { init: 'default', seed: 1 }, weights);
  const more = { max_steps: 3, gradient_checkpointing };
  const model = createModel(weights, recovery);
  const { losses } = await trainLanguageModel(model, recovery.parameters, examples, { ...settings, ...more });
  const values = [...recovery.parameters.values()].map((variable) => variable.dataSync().slice());
  disposeRecovery(recovery);
  return { losses, values };
}

describe('training', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it('learns to count', async () => {
    const { losses } = await pretrain({ epochs: 3 });
    expect(losses[0]).toBeGreaterThan(2.9); // log 20 = 3.0 before the first step
    expect(losses.at(-1)).toBeLessThan(2.7);
  });

  it('killed between two saves and started again, it ends with the same bytes', async () => {
    const folder = await scratch();
    await expect(pretrain({}, { folder, killAt: 8 })).rejects.toThrow('killed');
    const resumed = await pretrain({}, { folder });
    const whole = await pretrain({});
    expect(resumed.losses).toEqual(whole.losses);
    expect(resumed.values).toEqual(whole.values);
  });

  it('a state of another model is refused', async () => {
    const folder = await scratch();
    await pretrain({ max_steps: 3 }, { folder });
    const weights = tinyWeights(tinyConfig({ num_hidden_layers: 2, hidden_size: 16 }));
    const variables = new Map(weights.names.map((name) => [name, weights.get(name) as tf.Variable]));
    const training = trainLanguageModel(createModel(weights), variables, examples, settings, {
      save: { folder, every_steps: 3 },
    });
    await expect(training).rejects.toThrow('belongs to another run');
  });

  it('micro batches with reduce_loss sum give what one large batch gives', async () => {
    const large = await pretrain({ reduce_loss: 'sum', max_steps: 1, bucketing: false });
    const small = await pretrain({ reduce_loss: 'sum', max_steps: 1, micro_batch_size: 2, bucketing: false });
    expect(small.losses[0]).toBeCloseTo(large.losses[0] as number, 5);
    for (const [i, values] of large.values.entries()) expectClose(small.values[i] as Float32Array, values, 1e-3);
  });

  it('with gradient checkpointing all weights become the same bits', async () => {
    const kept = await pretrain({ max_steps: 3 });
    const again = await pretrain({ max_steps: 3, gradient_checkpointing: true });
    expect(again.losses).toEqual(kept.losses);
    expect(again.values).toEqual(kept.values);
  });

  it.each(['g0', 'g0_tied', 'g1', 'g3'])(
    'with gradient checkpointing the recovery parameters of %s become the same bits',
    async (candidate) => {
      const [kept, again] = [await tuned(candidate, false), await tuned(candidate, true)];
      expect(again).toEqual(kept);
    },
  );

  it('steps follow from epochs, batch size and max_steps', () => {
    expect(trainingSteps(examples, settings)).toBe(12);
    expect(trainingSteps(examples, { ...settings, batch_size: 5 })).toBe(10);
    expect(trainingSteps(examples, { ...settings, max_steps: 4 })).toBe(4);
  });

  it('sft moves recovery parameters and leaves the weights alone', async () => {
    const weights = tinyWeights(config);
    const before = await Promise.all(weights.names.map((name) => weights.get(name).data()));
    const map = [{ reference: 1, targets: [2] }];
    const recovery = createRecovery(config, replacementsOf(map, 'g0', 2), { init: 'default', seed: 1 });
    const model = createModel(weights, recovery);
    const { losses } = await trainLanguageModel(model, recovery.parameters, examples, { ...settings, epochs: 3 });
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    expect(await Promise.all(weights.names.map((name) => weights.get(name).data()))).toEqual(before);
    disposeRecovery(recovery);
  });

  it('a loss that is no number ends the run with the step and what to change', async () => {
    await expect(pretrain({ lr: 1e30, schedule: 'constant', warmup_ratio: 0 })).rejects.toThrow(
      /the loss is (NaN|Infinity) at step \d+ of 12 with learning rate 1e\+30: lower 'lr', or raise 'warmup_ratio' or set 'clip_norm'/,
    );
  });

  it.each([false, true])(
    'holds as much after many steps as after few (gradient checkpointing: %s)',
    async (gradient_checkpointing) => {
      const held: number[][] = [];
      const variables = variablesOf(initWeights(config, createRandom('train', 1), { init_std: 0.02 }));
      const model = createModel(createWeights(config, variables));
      const more = { epochs: 8, bucketing: false, micro_batch_size: 2, gradient_checkpointing };
      const onProgress = () => {
        const { sessions, tensors, buffers, pending, nodes } = tensorStats();
        held.push([sessions, tensors, buffers, pending, nodes]);
      };
      await trainLanguageModel(model, variables, examples, { ...settings, ...more }, { onProgress });
      expect(held.length).toBe(48);
      expect(held.slice(12)).toEqual(held.slice(12).map(() => held[12])); // all shapes were seen in two epochs
      tf.dispose([...variables.values()]);
      model.disposeFrames();
    },
  );

  it('leaves no tensors behind', async () => {
    await pretrain({ max_steps: 2 });
    const before = tf.memory().numTensors;
    await pretrain({ max_steps: 3, micro_batch_size: 2 });
    expect(tf.memory().numTensors).toBe(before);
  });
});
