// A loss with the distance from a teacher, against PyTorch: value and gradients, whole and in blocks of rows; and a training that follows it.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createWeights } from '../../model/architecture/weights.ts';
import { makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { languageModelLoss, taughtStates } from '../../model/forward/loss.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { createRecovery, disposeRecovery } from '../../model/sharing/recovery.ts';
import { ownReplacements } from '../../model/sharing/replacement.ts';
import { trainLanguageModel } from '../../model/train/language-model-training.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { headLoss } from '../../tensor/head-loss.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, type Packed, unpack } from './fixtures.ts';
import { normals } from './tiny.ts';

interface DistillCase {
  student: string;
  teacher: string;
  weight: number;
  temperature: number;
  ids: number[][];
  labels: number[][];
  text: number;
  loss: number;
  gradients: Record<string, Packed>;
}

const { cases } = fixture<{ cases: DistillCase[] }>('distill.json');
const named = cases.map(
  (one) => [`${one.student} from ${one.teacher}, ${one.weight} at ${one.temperature}`, one] as const,
);

async function modelOf(name: string): Promise<Model> {
  const { weights } = await loadFixture(name);
  const model = createModel(weights);
  onTestFinished(() => model.disposeFrames());
  return model;
}

const examplesOf = ({ ids, labels }: DistillCase) =>
  ids.map((row, i) => ({ ids: Int32Array.from(row), labels: Int32Array.from(labels[i] as number[]) }));

describe.each(['onnx', 'cpu'] as const)('the distance from a teacher, on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each(named)('%s: the loss and the gradients of PyTorch, to 1e-5', async (_, one) => {
    const teacher = await modelOf(one.teacher);
    const { weights, config } = await loadFixture(one.student);
    const variables = new Map(weights.names.map((name) => [name, tf.variable(weights.get(name) as tf.Tensor)]));
    const model = createModel(createWeights(config, variables));
    const batch = makeBatch(examplesOf(one), 2, 64);
    const scaled = scaleWeights(batch, 1 / batch.count);
    const states = tf.tidy(() => taughtStates(teacher, scaled));
    const taught = { ...one, teacher, states: (await states.data()) as Float32Array };
    const wanted = Object.keys(one.gradients).map((name) => variables.get(name) as tf.Variable);
    expect(wanted.length).toBeGreaterThan(5);
    const { value, grads } = tf.variableGrads(() => languageModelLoss(model, scaled, { taught }), wanted);
    expect((await value.data())[0]).toBeCloseTo(one.loss, 4);
    expect(tf.tidy(() => languageModelLoss(model, scaled).dataSync()[0])).toBeCloseTo(one.text, 4);
    for (const [i, [name, gradient]] of Object.entries(one.gradients).entries()) {
      const found = grads[(wanted[i] as tf.Variable).name] as tf.Tensor;
      expectClose(await found.data(), unpack(gradient), 1e-5, `gradient of ${name}`);
    }
    tf.dispose([value, grads, states]);
    model.disposeFrames();
    tf.dispose([...variables.values()]);
  });

  it('some rows at a time are all at once', () => {
    const [rows, width, vocabulary] = [7, 4, 9];
    tf.tidy(() => {
      const matrix = (n: number, seed: string, columns = width) =>
        tf.tensor2d(normals(n * columns, seed), [n, columns]);
      const labels = tf.tensor1d([1, 0, 8, -100, 3, 3, 2], 'int32');
      const weights = tf.tensor1d([1, 0.5, 2, 0, 1, 1, 0.1]);
      const teacher = {
        h: matrix(rows, 'taught', 6),
        head: matrix(vocabulary, 'its head', 6),
        weight: 0.7,
        temperature: 3,
      };
      const found = (block: number) => {
        const loss = (h: tf.Tensor, head: tf.Tensor) =>
          headLoss(
            { h: h as tf.Tensor2D, labels, weights },
            head as tf.Tensor2D,
            { rows: block, trained: true },
            teacher,
          );
        const { value, grads } = tf.valueAndGrads(loss)([matrix(rows, 'h'), matrix(vocabulary, 'head')]);
        return [value, ...grads].flatMap((tensor) => [...tensor.dataSync()]);
      };
      expectClose(found(3), found(64), 1e-6);
    });
  });
});

describe('a training with a teacher', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it('comes nearer to it than one without', async () => {
    const [one] = cases as [DistillCase];
    const teacher = await modelOf(one.teacher);
    const distance = async (distilled: boolean) => {
      const { weights, config } = await loadFixture(one.student);
      const recovery = createRecovery(config, ownReplacements([1, 2, 3, 4], 4), { init: 'default', seed: 1 });
      const model = createModel(weights, recovery);
      const settings = {
        ...adamDefaults,
        lr: 3e-2,
        schedule: 'constant',
        warmup_ratio: 0,
        epochs: 30,
        batch_size: 2,
      } as const;
      const rest = { max_length: 64, seed: 1, reduce_loss: 'mean' } as const;
      const run = distilled ? { distilled: { teacher, weight: 5, temperature: 1 } } : {};
      await trainLanguageModel(model, recovery.parameters, examplesOf(one), { ...settings, ...rest }, run);
      const batch = makeBatch(examplesOf(one), 2, 64);
      const states = tf.tidy(() => taughtStates(teacher, batch).dataSync() as Float32Array);
      const taught = { teacher, states, weight: 1, temperature: 1 };
      const value = tf.tidy(
        () =>
          (languageModelLoss(model, batch, { taught }).dataSync()[0] as number) -
          (languageModelLoss(model, batch).dataSync()[0] as number),
      );
      disposeRecovery(recovery);
      model.disposeFrames();
      return value;
    };
    expect(await distance(true)).toBeLessThan(await distance(false));
  });
});
