// A frozen model as it is stored: training over it gives the bits of training over the loaded one.
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { embeddingName, tensorName } from '../../model/architecture/tensors.ts';
import type { Weights } from '../../model/architecture/weights.ts';
import { loadModel, openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { loadFrozen } from '../../model/checkpoint/frozen.ts';
import { createModel } from '../../model/forward/model.ts';
import { createRecovery, disposeRecovery } from '../../model/sharing/recovery.ts';
import { ownReplacements, prunedReplacements, type Replacement } from '../../model/sharing/replacement.ts';
import { trainLanguageModel } from '../../model/train/language-model-training.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tensorStats } from '../../tensor/backend/stats.ts';
import { scratch } from './fixtures.ts';
import { tinyConfig, tinyWeights } from './tiny.ts';

const shared = (candidate: string): Replacement[] => [
  { target: 3, reference: 2, candidate, rank: 2 },
  { target: 4, reference: 2, candidate, rank: 2 },
];
const recoveries: Record<string, Replacement[]> = {
  g0: shared('g0'),
  g3: shared('g3'),
  basis: shared('basis'),
  'lora, and a pruned layer': [
    ...ownReplacements([1, 3], 2, { candidate: 'lora', roles: ['q', 'down'] }),
    ...prunedReplacements([2]),
  ],
};
const examples = Array.from({ length: 8 }, (_, i) => {
  const ids = Int32Array.from({ length: 6 + i }, (_, t) => (3 * i + t) % 20);
  return { ids, labels: ids };
});

async function modelFile(dtype: 'F32' | 'F16' | 'BF16', tied = false): Promise<string> {
  const config = tinyConfig({ tie_word_embeddings: tied });
  const weights = tinyWeights(config);
  const path = join(await scratch(), 'model.arrow');
  await writeModel(path, config, weights, { tokenizer_json: null, tokenizer_config_json: null }, dtype);
  weights.dispose();
  return path;
}

async function frozenOf(path: string, replacements: readonly Replacement[]): Promise<Weights> {
  const checkpoint = await openStored(path);
  try {
    return await loadFrozen(checkpoint, replacements);
  } finally {
    await checkpoint.close();
  }
}

/** The losses of some steps and the parameters after them. */
async function trained(weights: Weights, replacements: readonly Replacement[], recomputes: boolean) {
  const recovery = createRecovery(weights.config, replacements, { init: 'default', seed: 3 });
  const model = createModel(weights, recovery);
  const sizes = { batch_size: 4, micro_batch_size: 2, epochs: 2, max_length: 16, reduce_loss: 'mean' } as const;
  const schedule = { schedule: 'linear', lr: 1e-2, warmup_ratio: 0.1, seed: 7 } as const;
  const settings = { ...adamDefaults, ...sizes, ...schedule, gradient_checkpointing: recomputes };
  const { losses } = await trainLanguageModel(model, recovery.parameters, examples, settings);
  const values = [...recovery.parameters].map(([name, variable]) => [name, [...variable.dataSync()]]);
  model.disposeFrames();
  disposeRecovery(recovery);
  weights.dispose();
  return { losses, values };
}

describe('a frozen model', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it.each(
    (['BF16', 'F16', 'F32'] as const).flatMap((dtype) => Object.keys(recoveries).map((name) => [dtype, name] as const)),
  )('in %s with %s is trained over to the bits of the loaded one, and leaves no tensor', async (dtype, name) => {
    const replacements = recoveries[name] as Replacement[];
    const path = await modelFile(dtype, dtype === 'F16');
    const before = tensorStats().tensors;
    const { weights } = await loadModel(path);
    const expected = await trained(weights, replacements, false);
    expect(await trained(await frozenOf(path, replacements), replacements, false)).toEqual(expected);
    expect(await trained(await frozenOf(path, replacements), replacements, true)).toEqual(expected);
    expect(new Set(expected.losses).size).toBeGreaterThan(1);
    expect(tensorStats().tensors).toBe(before);
  });

  it('reads no matrix that another stands in for, and all others', async () => {
    const path = await modelFile('BF16');
    const weights = await frozenOf(path, shared('g0'));
    onTestFinished(() => weights.dispose());
    const { config } = weights;
    for (const role of ['gate', 'up', 'down'] as const) {
      expect(weights.names).not.toContain(tensorName(config, 3, role));
      expect(weights.names).toContain(tensorName(config, 2, role));
    }
    expect(weights.names).toContain(tensorName(config, 3, 'q'));
    expect(weights.names).toContain(embeddingName);
  });

  it('is float32 on a backend that has no narrow tensors', async () => {
    const path = await modelFile('BF16');
    await useBackend({ backend: 'cpu' });
    const weights = await frozenOf(path, []);
    const { weights: loaded } = await loadModel(path);
    for (const name of loaded.names) expect(weights.get(name).dataSync()).toEqual(loaded.get(name).dataSync());
    weights.dispose();
    loaded.dispose();
    await useBackend({ backend: 'onnx' });
  });
});
