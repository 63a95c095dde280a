// One layer in the place of several, against PyTorch: where, both losses and their gradients; and that it is learnt.
import { beforeAll, describe, expect, it } from 'vitest';
import { makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { blockSimilarities } from '../../model/measure/block-similarity.ts';
import { type FittedPlace, fitLayer, fitLoss, layerVariables, withStreams } from '../../model/train/fit-layer.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, type Packed, scratch, unpack } from './fixtures.ts';

interface Fixture {
  ids: number[][];
  similarities: Record<string, number[]>;
  cases: (FittedPlace & { value: number; gradients: Record<string, Packed> })[];
}

const { ids, similarities, cases } = fixture<Fixture>('fit-layer.json');
const windows = ids.map((row) => Int32Array.from(row));
const examples = windows.map((row) => ({ ids: row, labels: row }));

async function deep(): Promise<Model> {
  return createModel((await loadFixture('deep')).weights);
}

describe.each(['cpu', 'onnx'] as const)('one layer for several, on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each(Object.entries(similarities))(
    'streams %s layers apart are as alike as in PyTorch',
    async (span, expected) => {
      const found = await blockSimilarities(await deep(), windows, { span: Number(span), batch_size: 2 });
      expect(found).toHaveLength(expected.length);
      expectClose(found, expected, 1e-5, 'similarity');
    },
  );

  it.each(cases)('layer $start and $remove above, $loss: loss and gradients of PyTorch', async (one) => {
    const model = await deep();
    const variables = layerVariables(model, one.start);
    const plain = makeBatch(examples, 3, 64);
    const batch = await withStreams(model, scaleWeights(plain, 1 / plain.count), one);
    const { value, grads } = tf.variableGrads(() => fitLoss(model, variables, one, batch), [...variables.values()]);
    expect((await value.data())[0]).toBeCloseTo(one.value, 4);
    const found = new Map(
      [...variables].map(([name, { name: own }]) => [name.replace(/^model\.layers\.\d+\./, ''), grads[own]]),
    );
    expect([...found.keys()].sort()).toEqual(Object.keys(one.gradients).sort());
    for (const [name, gradient] of Object.entries(one.gradients)) {
      expectClose(await (found.get(name) as tf.Tensor).data(), unpack(gradient), 1e-4, name);
    }
    tf.dispose([...variables.values()]);
  });
});

describe('training it', () => {
  const settings = {
    ...adamDefaults,
    ...({ start: 2, remove: 1, loss: 'mse', schedule: 'cosine' } as const),
    ...{
      lr: 1e-2,
      lr_end: 1e-3,
      warmup_ratio: 0,
      batch_size: 2,
      micro_batch_size: 1,
      epochs: 6,
      max_length: 64,
      seed: 1,
    },
  };

  it('lowers the loss, leaves the other layers alone, and goes on exactly where it was stopped', async () => {
    await useBackend({ backend: 'onnx' });
    const model = await deep();
    const before = (await model.weights.get('model.layers.0.mlp.up_proj.weight').data()).slice();
    const run = async (folder: string, stopAt?: number) => {
      const variables = layerVariables(model, 2);
      const onProgress = (step: number) => {
        if (step === stopAt) throw new Error('stopped');
      };
      const { losses } = await fitLayer(model, variables, examples, settings, {
        save: { folder, every_steps: 1 },
        onProgress,
      });
      const values = await Promise.all([...variables.values()].map(async (each) => (await each.data()).slice()));
      tf.dispose([...variables.values()]);
      return { losses, values };
    };
    const whole = await run(await scratch());
    expect(whole.losses).toHaveLength(9); // 6 epochs of 3 records, 2 in a step
    const sum = (losses: number[]) => losses.reduce((a, b) => a + b);
    expect(sum(whole.losses.slice(-3))).toBeLessThan(0.97 * sum(whole.losses.slice(0, 3)));
    const folder = await scratch();
    await expect(run(folder, 5)).rejects.toThrow('stopped');
    expect(await run(folder)).toEqual(whole);
    expect(await model.weights.get('model.layers.0.mlp.up_proj.weight').data()).toEqual(before);
  });
});
