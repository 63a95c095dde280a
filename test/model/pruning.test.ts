// Pruned layers and narrower MLPs against PyTorch, and what decides about them.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Weights } from '../../model/architecture/weights.ts';
import { loadModel, openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeNarrowed } from '../../model/checkpoint/narrow.ts';
import { exportHuggingFace } from '../../model/export/huggingface.ts';
import { forward } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { readModelFolder } from '../../model/import/model-folder.ts';
import { drawWindows } from '../../model/measure/calibration.ts';
import { chosenLayers, deepestLayers, type LayerScores } from '../../model/measure/layer-choice.ts';
import type { Recovery } from '../../model/sharing/recovery.ts';
import { prunedReplacements } from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { baseline, loadBaseline } from './baselines.ts';
import { expectClose, type Packed, scratch, unpack } from './fixtures.ts';

beforeAll(() => useBackend({ backend: 'onnx' }));

const logitsOf = async (weights: Weights, ids: number[][], recovery?: Recovery): Promise<Float32Array> => {
  const model = createModel(weights, recovery);
  const logits = forward(model, tf.tensor2d(ids, undefined, 'int32'));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  model.disposeFrames();
  return values;
};

describe('pruned layers', () => {
  const { ids, cases } = baseline<{ ids: number[][]; cases: { how: string; layers: number[]; logits: Packed }[] }>(
    'pruned-layers.json',
  );

  it.each(cases)('$how: the logits of PyTorch with down_proj zeroed, to 1e-4', async ({ layers, logits }) => {
    const { weights } = await loadBaseline();
    const recovery = { replacements: prunedReplacements(layers), parameters: new Map() };
    expectClose(await logitsOf(weights, ids, recovery), unpack(logits), 1e-4, 'logits');
  });

  it('are chosen as in the fixture', () => {
    const similarity = baseline<LayerScores & { best_start: Record<string, string> }>('similarity.json');
    for (const [n, start] of Object.entries(similarity.best_start))
      expect(chosenLayers(similarity, 'angular', Number(n))[0], `${n} layers`).toBe(Number(start));
    expect(chosenLayers(similarity, 'angular', 2)).toEqual(cases[1]?.layers);
  });
});

describe('chosenLayers', () => {
  const scores: LayerScores = {
    angular: { 2: { 1: 0.3, 2: 0.1, 3: 0.1 } },
    block_influence: { 1: 0.5, 2: 0.2, 3: 0.1, 4: 0.2 },
    mlp_similarity: { 1: 0.9, 2: 0.5, 3: 0.7, 4: 0.9 },
  };

  it('takes the block of least distance, the layers of least influence, the most similar MLPs; of equal ones the first', () => {
    expect(chosenLayers(scores, 'angular', 2)).toEqual([2, 3]);
    expect(chosenLayers(scores, 'block_influence', 2)).toEqual([2, 3]);
    expect(chosenLayers(scores, 'mlp_similarity', 1)).toEqual([1]);
    expect(chosenLayers(scores, 'mlp_similarity', 3)).toEqual([1, 3, 4]);
  });

  it('deepest: the last ones without the very last', () => {
    expect(deepestLayers(32, 14)).toEqual([18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);
  });
});

describe('narrower MLPs', () => {
  const { ids, pruned } = baseline<{
    ids: number[][];
    pruned: { keep: Record<string, number[]>; logits: Packed }[];
  }>('llm-pruner.json');
  const narrowed = async (keep: Record<string, number[]>): Promise<string> => {
    const path = join(await scratch(), 'narrow.arrow');
    const checkpoint = await openStored((await loadBaseline()).path);
    const kept = new Map(Object.entries(keep).map(([layer, channels]) => [Number(layer), Int32Array.from(channels)]));
    await writeNarrowed(checkpoint, kept, path);
    await checkpoint.close();
    return path;
  };

  it.each(pruned.map((entry, i) => [i, entry] as const))(
    'case %i: the logits of PyTorch with the other channels zeroed, to 1e-4, after a way through the file',
    async (_, { keep, logits }) => {
      const { config, weights } = await loadModel(await narrowed(keep));
      expect(config.intermediate_sizes).toEqual([24, 24, ...['3', '4', '5'].map((l) => keep[l]?.length), 24]);
      expectClose(await logitsOf(weights, ids), unpack(logits), 1e-4, 'logits');
      weights.dispose();
    },
  );

  it('exported, they are padded with zeros: the same logits, no field that transformers does not know', async () => {
    const { keep, logits } = pruned[1] as (typeof pruned)[number]; // global: three different widths
    const folder = join(await scratch(), 'exported');
    expect(await exportHuggingFace(await narrowed(keep), folder, 'F32')).toEqual({ padded: [3, 4, 5] });
    const { config } = await readModelFolder(folder);
    expect([config.intermediate_size, config.intermediate_sizes]).toEqual([24, undefined]);
    const path = join(await scratch(), 'again.arrow');
    await importHuggingFace(folder, path);
    const { weights } = await loadModel(path);
    expectClose(await logitsOf(weights, ids), unpack(logits), 1e-4, 'logits');
    weights.dispose();
  });
});

describe('drawWindows', () => {
  const record = (length: number, first = 0) => Int32Array.from({ length }, (_, i) => first + i);
  const draw = (lengths: number[], samples: number) =>
    drawWindows(lengths.length, (i) => record(lengths[i] as number, 100 * i), { samples, sample_tokens: 4, seed: 1 });

  it('gives windows of the length, from different records, and passes short ones over', async () => {
    const { windows, joined } = await draw([9, 3, 12, 4], 3);
    expect(windows.map((window) => window.length)).toEqual([4, 4, 4]);
    expect(new Set(windows.map((window) => Math.floor((window[0] as number) / 100)))).toEqual(new Set([0, 2, 3]));
    for (const window of windows) expect([...window]).toEqual([0, 1, 2, 3].map((i) => (window[0] as number) + i));
    expect(joined).toBe(0);
    expect(await draw([9, 3, 12, 4], 3)).toEqual({ windows, joined });
  });

  it('joins short records only where long ones do not suffice', async () => {
    const { windows, joined } = await draw([3, 3, 2, 8], 3);
    expect([windows.length, joined]).toEqual([3, 2]);
  });

  it('gives fewer when there are no more tokens', async () => {
    expect((await draw([3, 2], 3)).windows).toHaveLength(1);
  });
});
