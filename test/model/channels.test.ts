// LLM-Pruner's channel scores and choices against PyTorch.
import { beforeAll, describe, expect, it } from 'vitest';
import { createModel } from '../../model/forward/model.ts';
import { channelsToKeep } from '../../model/measure/channel-choice.ts';
import { channelScores, reduceGroup } from '../../model/measure/channel-importance.ts';
import { type GroupReduction, groupReductions, type Importance, importances } from '../../model/measure/importances.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { baseline, loadBaseline } from './baselines.ts';
import { expectClose, type Packed, unpack } from './fixtures.ts';

type Keep = Record<string, number[]>;
interface Case {
  importance: Importance;
  group_reduction: GroupReduction;
  scores: Record<string, Packed>;
  keep: Keep;
  keep_third: Keep;
  keep_global: Keep;
}

const layers = [3, 4, 5];
const { windows, cases } = baseline<{ windows: number[][]; cases: Case[] }>('llm-pruner.json');
const plain = (kept: ReadonlyMap<number, Int32Array>): Keep =>
  Object.fromEntries([...kept].map(([layer, channels]) => [String(layer), [...channels]]));

const importanceOf = (importance: Importance) => cases.filter((entry) => entry.importance === importance);

describe.each([
  ['cpu', ['param_mix']],
  ['onnx', importances],
] as const)('channelScores on backend %s', (backend, forms) => {
  beforeAll(() => useBackend({ backend }));

  it.each(forms)('%s: scores to 1e-4 of the largest, and the same channels stay, for every reduction', async (form) => {
    const { weights } = await loadBaseline();
    const model = createModel(weights);
    const before = tf.memory().numTensors;
    const ids = windows.map((window) => Int32Array.from(window));
    const found = await channelScores(model, ids, layers, form);
    expect(importanceOf(form)).toHaveLength(groupReductions.length);
    for (const { group_reduction, ...expected } of importanceOf(form)) {
      const scores = new Map([...found].map(([layer, parts]) => [layer, reduceGroup(parts, group_reduction)]));
      for (const layer of layers) {
        const packed = expected.scores[layer] as Packed;
        expectClose(scores.get(layer) as Float64Array, unpack(packed), 1e-4, `${group_reduction}, layer ${layer}`);
      }
      expect(plain(channelsToKeep(scores, { ratio: 0.5, global: false }))).toEqual(expected.keep);
      expect(plain(channelsToKeep(scores, { ratio: 0.3, global: false }))).toEqual(expected.keep_third);
      expect(plain(channelsToKeep(scores, { ratio: 0.5, global: true }))).toEqual(expected.keep_global);
    }
    model.disposeFrames();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('channelsToKeep', () => {
  const scores = (...values: number[][]) => new Map(values.map((row, i) => [i + 1, Float64Array.from(row)]));

  it('counts as the code does: F - int(F (1 - ratio)) go', () => {
    const five = scores([5, 1, 4, 2, 3]);
    expect(plain(channelsToKeep(five, { ratio: 0.5, global: false }))).toEqual({ 1: [0, 2] }); // int(2.5) stay
    expect(plain(channelsToKeep(five, { ratio: 0.2, global: false }))).toEqual({ 1: [0, 2, 3, 4] });
  });

  it('of equal scores the first channel goes', () => {
    expect(plain(channelsToKeep(scores([1, 1, 1, 1]), { ratio: 0.5, global: false }))).toEqual({ 1: [2, 3] });
  });

  it('global: equal scores go together, and a layer that would lose all is left whole', () => {
    const found = channelsToKeep(scores([1, 1, 1], [9, 1, 8]), { ratio: 0.5, global: true });
    expect(plain(found)).toEqual({ 1: [0, 1, 2], 2: [0, 2] });
  });

  it('a ratio that leaves nothing is refused', () => {
    expect(() => channelsToKeep(scores([1, 2, 3, 4]), { ratio: 0.8, global: false })).toThrow(
      'ratio 0.8 leaves none of the 4 channels of layer 1, expected a ratio of at most 0.75',
    );
  });
});
