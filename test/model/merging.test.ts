// Layers merged (LaCo) and removed (SLEB) by search, against PyTorch: every try, what is left, and a search that was stopped.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadModel, openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeMixed } from '../../model/checkpoint/mixed-layers.ts';
import { forward } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { type BlockSearch, searchStart, searchStep } from '../../model/measure/block-search.ts';
import {
  compareOutputs,
  isMerging,
  type MergeSearch,
  type MergeTry,
  mergeStart,
  tryMerge,
} from '../../model/measure/merge-search.ts';
import { isPlain, type MergeVariant, mergeLayers, plainMix } from '../../model/sharing/layer-mix.ts';
import { mergeSettings } from '../../stages/merge-layers/declare.ts';
import { searchSettings } from '../../stages/search-blocks/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, type Packed, scratch, unpack } from './fixtures.ts';

interface Merges {
  variant: MergeVariant;
  merge: number;
  threshold: number;
  interval: number;
  tries: MergeTry[];
  layers: number;
  logits: Packed;
}

interface Removals {
  count: number;
  keep_first: number;
  keep_last: number;
  removed: { layer: number; nll: number }[];
}

const { ids, merges, removals } = fixture<{ ids: number[][]; merges: Merges[]; removals: Removals[] }>('merging.json');
const windows = ids.map((row) => Int32Array.from(row));

async function deepModel() {
  const { weights, path } = await loadFixture('deep');
  const model = createModel(weights);
  onTestFinished(() => model.disposeFrames());
  return { model, path };
}

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('merged layers', () => {
  const plain = [1, 2, 3, 4].map(plainMix);

  it('are what the paper writes, what the release telescopes to, or the base alone', () => {
    const terms = (variant: MergeVariant) => mergeLayers(plain, 1, 2, variant)[1]?.terms;
    expect(terms('paper')).toEqual([
      { layer: 2, weight: -1 },
      { layer: 3, weight: 1 },
      { layer: 4, weight: 1 },
    ]);
    expect(terms('released')).toEqual([{ layer: 4, weight: 1 }]);
    expect(terms('drop')).toEqual([{ layer: 2, weight: 1 }]);
    expect(mergeLayers(plain, 1, 2, 'paper').map(({ base }) => base)).toEqual([1, 2]);
  });

  it('are merged again as the sums that they are', () => {
    const once = mergeLayers(plain, 2, 1, 'paper');
    expect(mergeLayers(once, 1, 1, 'paper')[1]).toEqual({ base: 2, terms: [{ layer: 4, weight: 1 }] });
    expect(plain.every(isPlain)).toBe(true);
  });

  it.each(merges)(
    '$variant, $merge layers into one above $threshold: the tries and the logits of PyTorch',
    async (one) => {
      const { model, path } = await deepModel();
      const settings = { ...one, lowest: 1, highest: 4 };
      const outputs = compareOutputs(model, windows);
      let search: MergeSearch = mergeStart(4, settings);
      while (isMerging(search, settings)) search = await tryMerge(search, settings, outputs.similarity);
      outputs.dispose();
      expect(search.tries.map(({ similarity: _, ...rest }) => rest)).toEqual(
        one.tries.map(({ similarity: _, ...rest }) => rest),
      );
      for (const [i, { similarity }] of one.tries.entries()) {
        expect(search.tries[i]?.similarity).toBeCloseTo(similarity, 5);
      }
      const checkpoint = await openStored(path);
      const written = `${await scratch()}/merged.arrow`;
      await writeMixed(checkpoint, search.layers, written);
      await checkpoint.close();
      const { weights } = await loadModel(written);
      expect(weights.config.num_hidden_layers).toBe(one.layers);
      const logits = forward(createModel(weights), tf.tensor2d(ids, undefined, 'int32'));
      expectClose(await logits.data(), unpack(one.logits), 2e-3, 'logits'); // the file holds float16
      weights.dispose();
    },
  );

  it('leave no tensor behind', async () => {
    const { model } = await deepModel();
    const settings = { variant: 'paper', merge: 2, threshold: 0, interval: 1, lowest: 1, highest: 4 } as const;
    forward(model, tf.tensor2d([[1, 2]], undefined, 'int32')).dispose(); // makes what is kept
    const outputs = compareOutputs(model, windows);
    await tryMerge(mergeStart(4, settings), settings, outputs.similarity);
    const before = tf.memory().numTensors;
    await tryMerge(mergeStart(4, settings), settings, outputs.similarity);
    expect(tf.memory().numTensors).toBe(before);
    outputs.dispose();
  });

  it('are refused where the model has too few', () => {
    const params = {
      variant: 'paper',
      merge: 7,
      threshold: 0.45,
      interval: 1,
      lowest: 1,
      samples: 5,
      sample_tokens: 32,
      threads: 1,
    } as const;
    expect(() => mergeSettings(params, 4)).toThrow(
      "'merge' must be at most 3 between layers 1 and 4 of a model of 4, got 7",
    );
    expect(() => mergeSettings({ ...params, highest: 50 }, 40)).toThrow(
      "'highest' must be at most 40, the model's layers, got 50",
    );
    expect(mergeStart(40, mergeSettings(params, 40)).at).toBe(32); // as the notebook begins, with 39 and 7 from 0
  });
});

describe('removed blocks', () => {
  it.each(removals)(
    '$count of 4, $keep_first first and $keep_last last kept: the order and the losses of PyTorch',
    async (one) => {
      const { model } = await deepModel();
      for (const batch_size of [5, 2]) {
        let search: BlockSearch = searchStart;
        for (let next: BlockSearch | null = search; next !== null; ) {
          search = JSON.parse(JSON.stringify(next)) as BlockSearch; // as a stopped attempt leaves it
          next = await searchStep(model, windows, { ...one, batch_size }, search);
        }
        expect(search.removed.map(({ layer }) => layer)).toEqual(one.removed.map(({ layer }) => layer));
        for (const [i, { nll }] of one.removed.entries()) expect(search.removed[i]?.nll).toBeCloseTo(nll, 4);
      }
    },
  );

  it('leave no tensor behind', async () => {
    const { model } = await deepModel();
    const settings = { count: 1, keep_first: 1, keep_last: 1, batch_size: 5 };
    await searchStep(model, windows, settings, searchStart);
    const before = tf.memory().numTensors;
    await searchStep(model, windows, settings, searchStart);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are refused where there are not as many', () => {
    const params = { count: 3, keep_first: 1, keep_last: 1, samples: 4, sample_tokens: 8, batch_size: 4, threads: 1 };
    expect(() => searchSettings(params, 4)).toThrow(
      "'count' must be at most 2 for a model of 4 layers of which 1 first and 1 last stay, got 3",
    );
  });
});
