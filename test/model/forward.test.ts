// The Llama against transformers: logits, loss and gradients, on the reference backend and on ours.
import { beforeAll, describe, expect, it } from 'vitest';
import { createWeights } from '../../model/architecture/weights.ts';
import { makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { forward } from '../../model/forward/forward.ts';
import { languageModelLoss } from '../../model/forward/loss.ts';
import { createModel } from '../../model/forward/model.ts';
import { replacementsOf } from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, type Packed, unpack } from './fixtures.ts';

interface LlamaCase {
  ids: number[][];
  labels: number[][];
  logits: Packed;
  loss: number;
  gradients: Record<string, Packed>;
}

const tolerance = 1e-4;

describe.each(['cpu', 'onnx'] as const)('Llama on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each([
    ['mha', 'multi-head, float32, two shards'],
    ['gqa', 'grouped queries, own head size, llama3 RoPE, tied embeddings, bfloat16'],
    ['deep', 'one key head, float16'],
  ])('%s (%s) gives the logits of transformers', async (name) => {
    const expected = fixture<LlamaCase>(`${name}.json`);
    const { weights } = await loadFixture(name);
    const model = createModel(weights);
    const logits = forward(model, tf.tensor2d(expected.ids, undefined, 'int32'));
    expectClose(await logits.data(), unpack(expected.logits), tolerance, 'logits');
    logits.dispose();
    model.disposeFrames();
  });

  it.each(['mha', 'gqa', 'deep'])('%s gives the loss and the gradients of transformers', async (name) => {
    const expected = fixture<LlamaCase>(`${name}.json`);
    const loaded = await loadFixture(name);
    const variables = new Map(loaded.weights.names.map((n) => [n, tf.variable(loaded.weights.get(n) as tf.Tensor)]));
    const model = createModel(createWeights(loaded.config, variables));
    const examples = expected.ids.map((ids, i) => ({
      ids: Int32Array.from(ids),
      labels: Int32Array.from(expected.labels[i] as number[]),
    }));
    const plain = makeBatch(examples, 2, 64);
    const batch = scaleWeights(plain, 1 / plain.count);
    const { value, grads } = tf.variableGrads(() => languageModelLoss(model, batch), [...variables.values()]);
    expect((await value.data())[0]).toBeCloseTo(expected.loss, 4);
    for (const [parameter, gradient] of Object.entries(expected.gradients)) {
      const found = grads[(variables.get(parameter) as tf.Variable).name] as tf.Tensor;
      expectClose(await found.data(), unpack(gradient), tolerance, `gradient of ${parameter}`);
    }
    model.disposeFrames();
    tf.dispose([value, grads, ...variables.values()]);
  });

  it('Direct Sharing is the model whose target MLPs were overwritten with their reference', async () => {
    const expected = fixture<{ ids: number[][]; logits: Packed }>('shared.json');
    const { weights } = await loadFixture('deep');
    const model = createModel(weights, {
      replacements: replacementsOf([{ reference: 2, targets: [3] }]),
      parameters: new Map(),
    });
    const logits = forward(model, tf.tensor2d(expected.ids, undefined, 'int32'));
    expectClose(await logits.data(), unpack(expected.logits), tolerance, 'logits');
    logits.dispose();
    model.disposeFrames();
  });
});
