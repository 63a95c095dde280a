// The classifier of early exits against PyTorch: its targets, losses and gradients, and what a few steps make of it.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type ClassifierLossName,
  type ClassifierVariant,
  firstConsistent,
} from '../../model/exits/classifier-losses.ts';
import { makeBatch } from '../../model/forward/batches.ts';
import { createModel } from '../../model/forward/model.ts';
import {
  classifierOf,
  classifierVariables,
  exitClassifierLoss,
  exitRows,
  trainExitClassifier,
} from '../../model/train/exit-classifier.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { loadArchitecture } from './architectures.ts';
import { expectClose, fixture, loadFixture, type Packed, unpack } from './fixtures.ts';

interface ClassifierCase {
  model: string;
  exits: number[];
  loss: ClassifierLossName;
  variant: ClassifierVariant;
  ids: number[][];
  labels: number[][];
  consistent: number[][];
  weight: Packed;
  bias: number;
  value: number;
  weight_gradient: Packed;
  bias_gradient: number;
  lr: number;
  losses: number[];
  trained_weight: Packed;
  trained_bias: number;
}

const tolerance = 1e-5;
const { cases } = fixture<{ cases: ClassifierCase[] }>('exit-classifier.json');
const named = cases.map(
  (one) => [`${one.model}, exits ${one.exits.join()}: ${one.loss}, ${one.variant}`, one] as const,
);

beforeAll(() => useBackend({ backend: 'onnx' }));

async function modelOf({ model: name }: ClassifierCase) {
  const { weights } = name === 'deep' ? await loadFixture(name) : await loadArchitecture(name);
  const model = createModel(weights);
  onTestFinished(() => model.disposeFrames());
  return model;
}

const examplesOf = ({ ids, labels }: ClassifierCase) =>
  ids.map((text, i) => ({ ids: Int32Array.from(text), labels: Int32Array.from(labels[i] as number[]) }));

/** The classifier of a case before it is trained, freed after the test. */
function startOf({ weight, bias }: ClassifierCase) {
  const variables = classifierVariables({ weight: unpack(weight), bias });
  onTestFinished(() => tf.dispose([...variables.values()]));
  return variables;
}

/** The texts of a case two by two, as the micro batches of one step. */
async function rowsOf(one: ClassifierCase) {
  const examples = examplesOf(one);
  const batches = [examples.slice(0, 2), examples.slice(2)].map((part) => makeBatch(part, 2, 64));
  return exitRows(await modelOf(one), one.exits, one, batches);
}

describe('the classifier of early exits', () => {
  it.each(named)('%s: the targets of PyTorch', async (_, one) => {
    const parts = await rowsOf(one);
    one.consistent.forEach((wanted, e) => {
      const found = parts.flatMap(({ weights, consistent }) =>
        [...consistent.subarray(e * weights.length, (e + 1) * weights.length)].filter((_, row) => weights[row] !== 0),
      );
      expect(found).toEqual(wanted);
      expect(parts[0]?.shares[e]).toBeCloseTo(wanted.reduce((a, b) => a + b) / wanted.length, 6);
    });
    expect(parts.flatMap(({ weights }) => [...weights]).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
  });

  it.each(named)('%s: the loss and the gradients of PyTorch, over two micro batches', async (_, one) => {
    const variables = startOf(one);
    const list = [...variables.values()];
    let value = 0;
    const sums = list.map(({ size }) => new Float32Array(size));
    for (const rows of await rowsOf(one)) {
      const made = tf.variableGrads(() => exitClassifierLoss(variables, one, rows), list);
      value += (await made.value.data())[0] as number;
      for (const [i, { name }] of list.entries()) {
        const gradient = await (made.grads[name] as tf.Tensor).data();
        gradient.forEach((number, at) => {
          (sums[i] as Float32Array)[at] = ((sums[i] as Float32Array)[at] as number) + number;
        });
      }
      tf.dispose([made.value, made.grads]);
    }
    expectClose([value], [one.value], tolerance, 'loss');
    expectClose(sums[0] as Float32Array, unpack(one.weight_gradient), tolerance, 'gradient of the weight');
    expectClose(sums[1] as Float32Array, [one.bias_gradient], tolerance, 'gradient of the bias');
  });

  it.each(named)("%s: PyTorch's classifier after five steps of Adam", async (_, one) => {
    const { loss, variant, lr, losses: wanted } = one;
    const batches = { batch_size: 4, micro_batch_size: 2, epochs: wanted.length, max_length: 64, seed: 1 };
    const settings = { ...adamDefaults, ...batches, loss, variant, lr, schedule: 'constant', warmup_ratio: 0 } as const;
    const variables = startOf(one);
    const { losses } = await trainExitClassifier(await modelOf(one), one.exits, variables, examplesOf(one), settings);
    const classifier = await classifierOf(variables);
    expectClose(losses, wanted, tolerance, 'losses');
    expectClose(classifier.weight, unpack(one.trained_weight), tolerance, 'weight');
    expectClose([classifier.bias], [one.trained_bias], tolerance, 'bias');
  });

  it('is proved on targets of both kinds, and on losses that are not alike', () => {
    for (const { consistent } of cases) expect(new Set(consistent.flat())).toEqual(new Set([0, 1]));
    expect(new Set(cases.map(({ value }) => value.toFixed(4))).size).toBe(cases.length);
  });

  it('takes the first exit that says what the last layer says, and the last layer where none does', () => {
    expect([...firstConsistent(Float32Array.of(0, 1, 0, 1, 1, 0), 3)]).toEqual([1, 0, 2]);
  });
});
