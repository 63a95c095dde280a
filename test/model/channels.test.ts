// LLM-Pruner's channel scores and choices against PyTorch.
import { beforeAll, describe, expect, it } from 'vitest';
import { createModel } from '../../model/forward/model.ts';
import { channelsToKeep } from '../../model/measure/channel-choice.ts';
import { channelScores, type MatrixScores, reduceGroup } from '../../model/measure/channel-importance.ts';
import { chosenByVariation, fusedScores, groupScores } from '../../model/measure/group-scores.ts';
import {
  type GroupReduction,
  groupReductions,
  type MatrixImportance,
  matrixImportances,
} from '../../model/measure/importances.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { baseline, loadBaseline } from './baselines.ts';
import { expectClose, type Packed, unpack } from './fixtures.ts';

type Keep = Record<string, number[]>;
interface Case {
  importance: MatrixImportance;
  group_reduction: GroupReduction;
  scores: Record<string, Packed>;
  keep: Keep;
  keep_third: Keep;
  keep_global: Keep;
}

interface AdaptiveCase {
  group_reduction: GroupReduction;
  scores: Record<string, Packed>;
  keep: Keep;
  keep_global: Keep;
  variation: Record<string, number>;
  variation_param_first: Record<string, number>;
}

const layers = [3, 4, 5];
const { windows, cases } = baseline<{ windows: number[][]; cases: Case[] }>('llm-pruner.json');
const plain = (kept: ReadonlyMap<number, Int32Array>): Keep =>
  Object.fromEntries([...kept].map(([layer, channels]) => [String(layer), [...channels]]));

const importanceOf = (importance: MatrixImportance) => cases.filter((entry) => entry.importance === importance);

describe.each([
  ['cpu', ['param_mix']],
  ['onnx', matrixImportances],
] as const)('channelScores on backend %s', (backend, forms) => {
  beforeAll(() => useBackend({ backend }));

  it.each(forms)('%s: scores to 1e-4 of the largest, and the same channels stay, for every reduction', async (form) => {
    const { weights } = await loadBaseline();
    const model = createModel(weights);
    const before = tf.memory().numTensors;
    const ids = windows.map((window) => Int32Array.from(window));
    const found = await channelScores(model, ids, layers, { forms: [form] });
    expect(importanceOf(form)).toHaveLength(groupReductions.length);
    for (const { group_reduction, ...expected } of importanceOf(form)) {
      const scores = new Map(
        [...found].map(([layer, { forms }]) => [layer, reduceGroup(forms[0] as MatrixScores, group_reduction)]),
      );
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

const geometric = (score: number) => Math.exp(score - 1);

describe('importance adaptive', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  const { cases } = baseline<{ cases: AdaptiveCase[] }>('saap.json');

  it.each(cases.map((one) => [one.group_reduction, one] as const))(
    '%s: the fused scores to 1e-4, what they are logarithms of and the variation of layers to 1e-5, and the same channels stay',
    async (group_reduction, expected) => {
      const { weights } = await loadBaseline();
      const model = createModel(weights);
      const before = tf.memory().numTensors;
      const ids = windows.map((window) => Int32Array.from(window));
      const scoring = { importance: 'adaptive', group_reduction } as const;
      const plainly = await groupScores(model, ids, layers, scoring);
      const found = await groupScores(model, ids, layers, { ...scoring, varies: true });
      const first = await groupScores(model, ids, layers, { ...scoring, importance: 'param_first', varies: true });
      for (const layer of layers) {
        const wanted = Float64Array.from(unpack(expected.scores[layer] as Packed));
        for (const one of [plainly, found]) {
          const scores = one.get(layer)?.scores as Float64Array;
          // logarithms of float32 sums that cancel; without them, sqrt(I_v I_e)
          expectClose(scores, wanted, 1e-4, `layer ${layer}`);
          expectClose(scores.map(geometric), wanted.map(geometric), 1e-5, `means of layer ${layer}`);
        }
        expect(plainly.get(layer)?.variation).toBeUndefined();
        expect(found.get(layer)?.variation).toBeCloseTo(expected.variation[layer] as number, 5);
        expect(first.get(layer)?.variation).toBeCloseTo(expected.variation_param_first[layer] as number, 5);
      }
      const scores = new Map([...plainly].map(([layer, one]) => [layer, one.scores]));
      expect(plain(channelsToKeep(scores, { ratio: 0.5, global: false }))).toEqual(expected.keep);
      expect(plain(channelsToKeep(scores, { ratio: 0.5, global: true }))).toEqual(expected.keep_global);
      model.disposeFrames();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('is in the order of the product of the two scores, and a score of 0 is the least', () => {
    const [vector, element] = [Float64Array.of(2, 8, 0, 1), Float64Array.of(4, 1, 9, 1)];
    const fused = fusedScores([vector, element]);
    expect(fused[0]).toBeCloseTo((2 + Math.log(8)) / 2, 12);
    expect(fused[1]).toBeCloseTo((2 + Math.log(8)) / 2, 12);
    expect(fused[3]).toBe(1);
    expect([...fused].every(Number.isFinite)).toBe(true);
    expect(Math.min(...fused)).toBe(fused[2]);
  });

  it('chooses the layers that vary least or most', () => {
    const one = (variation: number) => ({ scores: new Float64Array(0), variation });
    const found = new Map([3, 4, 5, 6].map((layer, i) => [layer, one([0.2, 0.1, 0.2, 0.4][i] as number)]));
    expect(chosenByVariation(found, 'steady', 2)).toEqual([3, 4]);
    expect(chosenByVariation(found, 'fluctuating', 2)).toEqual([3, 6]);
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
