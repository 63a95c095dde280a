// What the model of a method is held to: the logits, losses and gradients that PyTorch gave in a case of a fixture, to 1e-5.
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createWeights } from '../../model/architecture/weights.ts';
import { loadModel } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery } from '../../model/checkpoint/recovery-file.ts';
import { type CompactFiles, writeCompact } from '../../model/export/compact.ts';
import type { ExportSource } from '../../model/export/source.ts';
import { type Batch, makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { forward } from '../../model/forward/forward.ts';
import { languageModelLoss } from '../../model/forward/loss.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { importCompact } from '../../model/import/compact.ts';
import type { Recovery } from '../../model/sharing/recovery.ts';
import { tf } from '../../tensor/tf.ts';
import { loadArchitecture } from './architectures.ts';
import { expectClose, loadFixture, type Packed, unpack } from './fixtures.ts';

/** A case: the model that is changed, texts, and what PyTorch makes of the changed one. */
export interface PytorchCase {
  model: string;
  /** Texts of equal length. */
  ids: number[][];
  /** Where not given, the texts. */
  labels?: number[][];
  logits: Packed;
  loss: number;
  /** By the name of the tensor. */
  gradients: Record<string, Packed>;
  /** What is said after each text. */
  decoded: number[][];
}

const tolerance = 1e-5;

/** The model of a case as it is before it is changed. */
export const loadedFor = ({ model }: Pick<PytorchCase, 'model'>) =>
  model === 'deep' ? loadFixture(model) : loadArchitecture(model);

/** The changed model; what it keeps is freed after the test. */
export async function changedModel(one: PytorchCase, recovery: Recovery) {
  const { weights, config, path } = await loadedFor(one);
  const model = createModel(weights, recovery);
  onTestFinished(() => model.disposeFrames());
  return { model, config, path };
}

/** All texts of a case as one batch, each token that has a label weighted equally. */
export function batchOf({ ids, labels = ids }: Pick<PytorchCase, 'ids' | 'labels'>) {
  const examples = ids.map((row, i) => ({ ids: Int32Array.from(row), labels: Int32Array.from(labels[i] as number[]) }));
  const batch = makeBatch(examples, ids.length, 64);
  return scaleWeights(batch, 1 / batch.count);
}

export async function expectLogits(model: Model, one: Pick<PytorchCase, 'ids' | 'logits'>, what = 'logits') {
  const logits = forward(model, tf.tensor2d(one.ids, undefined, 'int32'));
  expectClose(await logits.data(), unpack(one.logits), tolerance, what);
  logits.dispose();
}

/** What is compared where it is not the loss of the labels, or the case has other names for the model's tensors. */
interface Compared {
  lossOf?: (model: Model, batch: Batch) => tf.Scalar;
  tensorOf?: (name: string) => string;
}

/** Also where layers are computed again on the way back. */
export async function expectGradients(
  one: Pick<PytorchCase, 'model' | 'ids' | 'labels' | 'loss' | 'gradients'>,
  recovery: Recovery | undefined,
  { lossOf = (model, batch) => languageModelLoss(model, batch), tensorOf = (name) => name }: Compared = {},
) {
  const { weights, config } = await loadedFor(one);
  const variables = new Map(weights.names.map((name) => [name, tf.variable(weights.get(name) as tf.Tensor)]));
  const plain = createModel(createWeights(config, variables), recovery);
  const wanted = Object.keys(one.gradients).map((name) => variables.get(tensorOf(name)) as tf.Variable);
  expect(wanted.length).toBeGreaterThan(5);
  for (const model of [plain, { ...plain, recomputes: true }]) {
    const { value, grads } = tf.variableGrads(() => lossOf(model, batchOf(one)), wanted);
    expect((await value.data())[0]).toBeCloseTo(one.loss, 5);
    for (const [i, [name, gradient]] of Object.entries(one.gradients).entries()) {
      const found = grads[(wanted[i] as tf.Variable).name] as tf.Tensor;
      expectClose(await found.data(), unpack(gradient), tolerance, `gradient of ${name}`);
    }
    tf.dispose([value, grads]);
  }
  plain.disposeFrames();
  tf.dispose([...variables.values()]);
}

/** A model in a file, with its recovery where it has one, has the logits of the case. */
export async function expectFileLogits(
  paths: { model: string; recovery?: string },
  one: Pick<PytorchCase, 'ids' | 'logits'>,
) {
  const { config, weights } = await loadModel(paths.model);
  const recovery = paths.recovery === undefined ? undefined : await readRecovery([paths.recovery], config);
  const model = createModel(weights, recovery);
  await expectLogits(model, one);
  model.disposeFrames();
  weights.dispose();
}

/** Written as a compact folder in `to` (which has its texts as `texts` says) and read again, `source` has the logits of the case; returns its sizes. */
export async function expectCompact(
  source: ExportSource,
  to: string,
  texts: Omit<CompactFiles, 'weights' | 'map'>,
  one: Pick<PytorchCase, 'ids' | 'logits'>,
) {
  const files = { ...texts, weights: join(to, 'shared.safetensors'), map: join(to, 'sharp.json') };
  const sizes = await writeCompact(source, files, 'F32');
  const paths = { model: join(to, 'back.arrow'), recovery: join(to, 'recovery-back.arrow') };
  await importCompact(to, paths);
  await expectFileLogits(paths, one);
  return sizes;
}
