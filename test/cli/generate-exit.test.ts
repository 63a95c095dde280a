// `lamina generate --exit`: what may be written there, and what is said of anything else.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { countStops, exitOf } from '../../cli/generate/exit.ts';
import { createModel } from '../../model/forward/model.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';

const found = { kind: 'folder', label: 'here', folder: 'here' } as const;

function model() {
  const weights = tinyWeights(tinyConfig());
  onTestFinished(() => weights.dispose());
  return createModel(weights);
}

beforeAll(() => useBackend({ backend: 'cpu' }));

describe('--exit', () => {
  it('takes the parameters of early-exit, lists of layers among them', async () => {
    const exit = await exitOf(found, 'exits=1,3,threshold=0.8, confidence=gap', model());
    expect(exit?.rule).toMatchObject({ exits: [1, 3], threshold: 0.8, confidence: 'gap', decay: 'none' });
    expect((await exitOf(found, 'first_exit=2', model()))?.rule).toMatchObject({ exits: [2, 3], threshold: 0.9 });
    expect(await exitOf(found, undefined, model())).toBeUndefined();
  });

  it.each([
    ['0.9', "--exit: expected NAME=VALUE with one of 'exits'"],
    ['depth=3', "--exit: expected NAME=VALUE with one of 'exits'"],
    ['threshold=1.5', "--exit: 'threshold' must be a number from 0 to 1, got '1.5'"],
    ['first_exit=0', "--exit: 'first_exit' must be a layer from 1, got '0'"],
    ['confidence=sure', "--exit: 'confidence' must be 'max_probability'"],
    ['exits=1,9', "'exits': expected layers from 1 to 3 in a model of 4 layers"],
    ['confidence=classifier', "--exit: 'confidence' must be 'max_probability'"],
  ])('%s is told', async (text, message) => {
    await expect(exitOf(found, text, model())).rejects.toThrow(message);
  });

  it('says after how many layers tokens stopped', () => {
    const stops = countStops();
    expect(stops.text(12)).toBe('no token was made that could stop early: the first comes from reading the prompt');
    stops.onStep({ rows: [0], layer: 4, heads: 1, lengths: [3], confidences: [1] });
    stops.onStep({ rows: [0], layer: 12, heads: 1, lengths: [4], confidences: undefined });
    expect(stops.text(12)).toBe('tokens stopped after 8.0 of 12 layers on average');
  });
});
