// Evaluations that go on from kept hidden states give what those give that begin at the first layer, bit for bit.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { dataset } from '../../stages/dataset/declare.ts';
import { hiddenStates } from '../../stages/hidden-states/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { runStage, type StageOutcome, untyped } from './harness.ts';

const layers = 12; // of models/tiny
const settings = { max_length: 128, batch_tokens: 256 };
let [model, data] = ['', ''];
const facts = { layers };

const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;

beforeAll(async () => {
  model = only(await runStage(load, { params: { path: resolve(import.meta.dirname, '../../models/tiny') } }), 'model');
  const generated = await runStage(dataset, { params: { generate: 'dolly', records: 60, eval_fraction: 0.5 } });
  data = only(generated, 'eval');
});

/** The file of the states after `layer`. */
async function kept(layer: number, params: object = {}): Promise<string> {
  const outcome = await runStage(hiddenStates, {
    params: { ...settings, ...params },
    inputs: { model: { files: { '': model }, facts }, data },
    units: [`after layer ${layer}`],
  });
  return outcome.files[`after layer ${layer}`]?.states as string;
}

/** What perplexity-eval says of the model in which layer 8 has the MLP of layer 7. */
async function measured(beginning?: string, params: object = {}): Promise<{ mean_nll: number; text: string }> {
  const shared = await runStage(share, {
    params: { map: '7:8', anywhere: true },
    inputs: { model: { files: { '': model }, facts } },
  });
  const inputs = {
    model: { files: { '': model }, facts },
    recovery: { files: { '': only(shared, 'recovery') }, facts: shared.facts[''] ?? {} },
    data,
    ...(beginning !== undefined && { beginning: { files: { 'after layer 7': beginning }, facts: {} } }),
  };
  const text = readFileSync(
    only(await runStage(perplexityEval, { params: { ...settings, ...params }, inputs }), 'metrics'),
    'utf8',
  );
  return { mean_nll: JSON.parse(text).mean_nll, text };
}

describe('perplexity from kept states', () => {
  test('is equal to the bit, and within 1e-3 from states in float16', async () => {
    const whole = await measured();
    const exact = await measured(await kept(7));
    const half = await measured(await kept(7, { dtype: 'F16' }));
    console.log(
      `mean NLL from layer 1: ${whole.mean_nll}; from kept states: ${exact.mean_nll} (float32), ${half.mean_nll} (float16)`,
    );
    expect(exact.text).toBe(whole.text);
    expect(Math.abs(half.mean_nll - whole.mean_nll)).toBeLessThan(1e-3);
  });

  test('states of other records, or packed otherwise, are refused', async () => {
    const states = await kept(7);
    await expect(measured(states, { max_length: 44 })).rejects.toThrow(
      'the kept states are of other passages, expected those of the records that are scored',
    );
    await expect(measured(states, { batch_tokens: 512 })).rejects.toThrow('of other passages');
  });
});

describe('which states a unit reads', () => {
  const needs = (recovery: object | undefined) =>
    untyped(perplexityEval).needs?.({}, { model: { layers: 12 }, recovery: recovery as never }).beginning;

  test('those after the last layer that is the original, where they save a quarter of the layers', () => {
    expect(needs({ map: '3:4; 7:8,9' })).toEqual(['after layer 3']);
    expect(needs({ map: '2:3' })).toEqual([]);
    expect(needs({ map: 'own:5,6; pruned:4' })).toEqual(['after layer 3']);
    expect(needs({ first_layer: 9 })).toEqual(['after layer 8']);
    expect(needs({ map: '' })).toEqual([]);
    expect(needs(undefined)).toEqual([]);
  });
});
