// Evaluations that go on from kept hidden states give what those give that begin at the first layer, bit for bit.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Facts, StageDeclaration } from '../../contract/stage.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { hiddenStates } from '../../stages/hidden-states/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { parallelLayers } from '../../stages/parallel-layers/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { pruneChannels } from '../../stages/prune-channels/declare.ts';
import { pruneLayers } from '../../stages/prune-layers/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { skipSublayers } from '../../stages/skip-sublayers/declare.ts';
import { slw } from '../../stages/slw/declare.ts';
import { runStage, type StageOutcome, untyped, withDefaults } from './harness.ts';

const layers = 12; // of models/tiny
const settings = { max_length: 128, batch_tokens: 256 };
let [model, data] = ['', ''];
const facts = { layers };
const sizes = { layers, hidden_size: 96, intermediate_size: 256, heads: 6, kv_heads: 2, vocab_size: 1000, tied: true };

const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;

beforeAll(async () => {
  model = only(await runStage(load, { params: { path: resolve(import.meta.dirname, '../../models/tiny') } }), 'model');
  const generated = await runStage(dataset, { params: { generate: 'dolly', records: 60, eval_fraction: 0.5 } });
  data = only(generated, 'eval');
});

/** The file of the states after `layer`. */
async function kept(layer: number, params: object = {}, of = model): Promise<string> {
  const outcome = await runStage(hiddenStates, {
    params: { ...settings, ...params },
    inputs: { model: { files: { '': of }, facts }, data },
    units: [`after layer ${layer}`],
  });
  return outcome.files[`after layer ${layer}`]?.states as string;
}

/** What perplexity-eval says of the model whose MLPs are shared by `map`. */
async function measured(
  beginning?: string,
  params: object = {},
  map = '7:8',
): Promise<{ mean_nll: number; text: string }> {
  const shared = await runStage(share, {
    params: { map, anywhere: true },
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

  test('states of another model are refused, though its widths and texts are the same', async () => {
    const pruned = await runStage(pruneChannels, {
      params: { ratio: 0.5, samples: 4, sample_tokens: 32 },
      inputs: { model: { files: { '': model }, facts }, data },
    });
    const states = await kept(7, {}, only(pruned, 'model'));
    await expect(measured(states)).rejects.toThrow('the kept states are of another model, expected');
  });

  test('states that what is replaced comes before are refused', async () => {
    await expect(measured(await kept(7), {}, '4:7')).rejects.toThrow(
      'the kept states come out of layer 7 of the original model, but layer 7 is replaced, expected states from before it',
    );
  });
});

describe('perplexity of layers side by side from kept states', () => {
  async function paired(layers: string, beginning?: string): Promise<string> {
    const { files } = await runStage(parallelLayers, { params: { layers }, inputs: { model } });
    const inputs = { model, recovery: files['']?.recovery as string, data, ...(beginning && { beginning }) };
    return readFileSync(only(await runStage(perplexityEval, { params: settings, inputs }), 'metrics'), 'utf8');
  }

  test('is equal to the bit where the pairs come after them, and refused where one does not', async () => {
    const states = await kept(7);
    expect(await paired('8-11', states)).toBe(await paired('8-11'));
    await expect(paired('7-10', states)).rejects.toThrow(
      'the kept states come out of layer 7 of the original model, but layer 7 runs beside another, expected states from before it',
    );
  });
});

describe('which states a unit reads', () => {
  const needs = (recovery: object | undefined) =>
    untyped(perplexityEval).needs?.({}, { model: { layers: 12 }, recovery: recovery as never }).beginning;

  test('those after the last layer that is the original, where they save a quarter of the layers', () => {
    expect(needs({ first_replaced: 4 })).toEqual(['after layer 3']);
    expect(needs({ first_replaced: 3 })).toEqual([]);
    expect(needs(undefined)).toEqual([]);
  });

  test('none where only a record tells what is replaced, or where the lowest parameters are: the key stays what it was', () => {
    expect(needs({ map: '8:9', targets: 1, first_layer: 9 })).toEqual([]);
  });

  test.each<[string, StageDeclaration, object, Record<string, Facts>, number | undefined]>([
    ['share', share, { map: '5:6; 8:9' }, {}, 6],
    ['slw', slw, { map: '5:6; 8:9' }, {}, 6],
    ['sft', sft, {}, { recovery: { recovery_parameters: 9, first_replaced: 6, first_layer: 8 } }, 6],
    [
      'sft after a recovery of which nothing is known',
      sft,
      {},
      { recovery: { recovery_parameters: 9, map: '5:6' } },
      undefined,
    ],
    ['prune-layers', pruneLayers, { layers: '7-9' }, {}, 7],
    ['prune-layers by scores', pruneLayers, { choose: 'block_influence', count: 2 }, {}, undefined],
    ['skip-sublayers', skipSublayers, { layers: '7-9' }, {}, 7],
    [
      'skip-sublayers by scores',
      skipSublayers,
      { choose: 'similarity' },
      { recovery: { first_replaced: 5 } },
      undefined,
    ],
    [
      'skip-sublayers before what is shared',
      skipSublayers,
      { layers: '3' },
      { recovery: { first_replaced: 5, first_layer: 5 } },
      3,
    ],
    ['skip-sublayers after what is shared', skipSublayers, { layers: '8' }, { recovery: { first_replaced: 5 } }, 5],
    [
      'lora above what is pruned',
      lora,
      { layers: '8-9' },
      { recovery: { targets: 1, recovery_parameters: 0, first_replaced: 3 } },
      3,
    ],
    [
      'lora above what nobody knows',
      lora,
      { layers: '8-9' },
      { recovery: { targets: 1, recovery_parameters: 0 } },
      undefined,
    ],
  ])('%s says the lowest layer that is replaced, where its parameters tell', async (_, stage, given, inputs, first) => {
    const found = await untyped(stage).expect?.(withDefaults(stage, { ...given }), { model: sizes, ...inputs });
    expect(found?.first_replaced).toBe(first);
  });
});
