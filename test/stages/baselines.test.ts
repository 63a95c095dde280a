import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StageDeclaration } from '../../contract/stage.ts';
import { writeModel } from '../../model/checkpoint/checkpoint.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import type { LayerSimilarity } from '../../model/measure/layer-similarity.ts';
import { readMetric } from '../../report/result/collect.ts';
import { captureActivations } from '../../stages/capture-activations/declare.ts';
import { exportStage } from '../../stages/export/declare.ts';
import { layerSimilarity } from '../../stages/layer-similarity/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { pruneChannels } from '../../stages/prune-channels/declare.ts';
import { choiceOf, pruneLayers } from '../../stages/prune-layers/declare.ts';
import { ratios } from '../../stages/ratios/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { weightDifference } from '../../stages/weight-difference/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixtures } from '../model/fixtures.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { runStage, type StageOutcome, temporaryFolder } from './harness.ts';

// A random Llama of 6 layers of 16 with a real tokenizer, and 24 short records; none of it has to make sense.
const files = { model: '', data: '', scores: '' };
const config = tinyConfig({ hidden_size: 16, intermediate_size: 24, num_hidden_layers: 6, vocab_size: 320 });
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;
const stage = (definition: StageDeclaration, inputs: Record<string, string>, params: object = {}) =>
  runStage(definition, { params: { ...params }, inputs });
const modelAndData = (model = files.model) => ({ model, data: files.data });
const perplexity = async (model: string, recovery?: string): Promise<number> => {
  const inputs = { ...modelAndData(model), ...(recovery && { recovery }) };
  const metrics = only(await stage(perplexityEval, inputs, { max_length: 64 }), 'metrics');
  return json<{ perplexity: number }>(metrics).perplexity;
};

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  const folder = temporaryFolder();
  files.model = join(folder, 'model.arrow');
  files.data = join(folder, 'data.jsonl');
  const tokenizer_json = readFileSync(join(fixtures, 'tokenizer.json'), 'utf8');
  const weights = tinyWeights(config);
  await writeModel(files.model, config, weights, { tokenizer_json, tokenizer_config_json: null }, 'F32');
  weights.dispose();
  const records = Array.from({ length: 24 }, (_, i) => ({
    id: `record-${i}`,
    messages: [
      { role: 'user', content: `What is ${i} + ${3 * i + 7}?` },
      { role: 'assistant', content: `${4 * i + 7}` },
    ],
  }));
  writeFileSync(files.data, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  files.scores = only(await stage(layerSimilarity, modelAndData(), { max_length: 64 }), 'metrics');
});

describe('layer-similarity', () => {
  it('scores every layer, and its fields can be named', () => {
    const scores = json<LayerSimilarity>(files.scores);
    expect(scores.sequences).toBe(24);
    expect(Object.keys(scores.block_influence)).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(Object.keys(scores.angular[5] as object)).toEqual(['1', '2']);
  });

  it('reads no more records than it is told to', async () => {
    const few = await stage(layerSimilarity, modelAndData(), { max_records: 5, max_length: 64 });
    expect(json<LayerSimilarity>(only(few, 'metrics')).sequences).toBe(5);
  });
});

describe('prune-layers', () => {
  const prune = (params: object, inputs: Record<string, string> = { scores: files.scores }) =>
    stage(pruneLayers, { model: files.model, ...inputs }, params);
  const pruned = async (params: object) => (await prune(params)).facts['']?.pruned;

  it('prunes what it is told to', async () => {
    expect(await pruned({})).toEqual([3, 5]); // T_next of 6 layers: 2:3; 4:5
    expect(await pruned({ map: '2:3-5' })).toEqual([3, 4, 5]);
    expect(await pruned({ layers: '6, 1-2' })).toEqual([1, 2, 6]);
    expect(await pruned({ choose: 'deepest' })).toEqual([4, 5]);
    expect(await pruned({ choose: 'deepest', count: 3 })).toEqual([3, 4, 5]);
  });

  it('prunes what the scores say', async () => {
    const { angular, block_influence } = json<LayerSimilarity>(files.scores);
    const least = (scores: Record<string, number>) =>
      Object.entries(scores)
        .sort((a, b) => a[1] - b[1])
        .map(([layer]) => Number(layer));
    const [first = 0] = least(angular[3] as Record<string, number>);
    expect(await pruned({ choose: 'angular', count: 3 })).toEqual([first, first + 1, first + 2]);
    expect(await pruned({ choose: 'block_influence', count: 1 })).toEqual(least(block_influence).slice(0, 1));
    expect(await pruned({ choose: 'T_ori' })).toEqual(await pruned({ choose: 'angular', count: 2 }));
  });

  it('T_ori is 17-30 in a model of 32 layers, without scores', () => {
    const choice = choiceOf({ choose: 'T_ori', type: 'T_next' }, 32);
    expect(choice).toEqual({ layers: [17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30] });
    expect(choiceOf({ choose: 'T_ori', type: 'T_next' }, 12)).toEqual({ scorer: 'angular', count: 5 });
  });

  it('says what it needs', async () => {
    await expect(prune({ choose: 'T_ori' }, {})).rejects.toThrow(
      "stage 'prune-layers' with choose: T_ori needs input 'scores' for a model of 6 layers: join it to a stage 'layer-similarity', or name the layers with 'layers'",
    );
    await expect(prune({ choose: 'angular', count: 7 })).rejects.toThrow(
      "'count' must be at most 6 for angular in a model of 6 layers, got 7",
    );
    const other = only(await stage(weightDifference, { model: files.model }), 'metrics');
    await expect(prune({ choose: 'angular' }, { scores: other })).rejects.toThrow(
      "stage 'prune-layers': input 'scores' must hold the metrics of 'layer-similarity' for a model of 6 layers",
    );
  });

  it('is recovered by LoRA on the references and sft, with as many parameters as SHARP', async () => {
    const bare = only(await prune({}), 'recovery');
    const start = await stage(lora, { model: files.model, recovery: bare }, { layers: 'references', rank: 4 });
    const tuned = await stage(
      sft,
      { ...modelAndData(), recovery: only(start, 'recovery') },
      { max_length: 64, batch_size: 8, epochs: 4, lr: 1e-2 },
    );
    const before = await perplexity(files.model, bare);
    expect(await perplexity(files.model, only(start, 'recovery'))).toBeCloseTo(before, 3);
    expect(await perplexity(files.model, only(tuned, 'recovery'))).toBeLessThan(before);
    const kept = await stage(ratios, { model: files.model, recovery: only(tuned, 'recovery') });
    // 4 of 6 MLPs, and for 2 layers 3 (1 + 4 (16 + 24)) parameters, of 6 * 3 * 16 * 24
    const { tau, s } = json<{ tau: number; s: number }>(only(kept, 'metrics'));
    expect([tau, s]).toEqual([4 / 6, (4 * 3 * 16 * 24 + 2 * 3 * 161) / (6 * 3 * 16 * 24)]);
  });
});

describe('prune-channels', () => {
  const narrow = (params: object = {}, inputs: Record<string, string> = modelAndData()) =>
    stage(pruneChannels, inputs, { sample_tokens: 16, ...params });

  it('narrows all but the first two and the last, and says so', async () => {
    const { facts } = await narrow();
    expect(facts['']).toMatchObject({ layers: 6, intermediate_size: 24, widths: [24, 24, 12, 12, 12, 24] });
    const named = await narrow({ layers: '1,6', ratio: 0.25, importance: 'l2' }, { model: files.model });
    expect(named.facts['']).toMatchObject({ widths: [18, 24, 24, 24, 24, 18] });
  });

  it('narrows those of some layers whose importance varies least or most, and says how it does', async () => {
    const given = { layers: '2-5', ratio: 0.5, importance: 'adaptive' };
    const whole = await narrow(given);
    expect(whole.facts['']).toMatchObject({ widths: [24, 12, 12, 12, 12, 24] });
    expect(whole.facts['']).not.toHaveProperty('variation');
    for (const choose of ['steady', 'fluctuating'] as const) {
      const { facts } = await narrow({ ...given, choose, count: 2 });
      const { narrowed, variation, widths } = facts[''] as {
        narrowed: number[];
        variation: Record<string, number>;
        widths: number[];
      };
      expect(Object.keys(variation)).toEqual(['2', '3', '4', '5']);
      const ascending = Object.values(variation).toSorted((a, b) => a - b);
      const ends = choose === 'steady' ? ascending.slice(0, 2) : ascending.slice(2);
      expect(narrowed.map((layer) => variation[layer] as number).toSorted((a, b) => a - b)).toEqual(ends);
      expect(widths).toEqual([1, 2, 3, 4, 5, 6].map((layer) => (narrowed.includes(layer) ? 12 : 24)));
    }
  });

  it.each<[object, string]>([
    [{ choose: 'steady' }, "'choose' needs 'count': 'choose' says by what layers are chosen, 'count' how many of them"],
    [{ count: 2 }, "'count' needs 'choose': 'choose' says by what layers are chosen, 'count' how many of them"],
    [
      { choose: 'steady', count: 2, importance: 'l1' },
      "choose: steady compares windows, expected an importance of first-order gradients (vectorize, param_first, adaptive), got 'l1'",
    ],
    [
      { choose: 'fluctuating', count: 2, importance: 'param_mix' },
      "choose: fluctuating compares windows, expected an importance of first-order gradients (vectorize, param_first, adaptive), got 'param_mix'",
    ],
    [
      { choose: 'steady', count: 2, samples: 1 },
      "choose: steady compares windows, expected 'samples' of at least 2, got 1",
    ],
    [{ choose: 'steady', count: 4 }, "'count' must be at most 3, the layers to choose from, got 4"],
  ])('%j is refused', (params, message) => expect(narrow(params)).rejects.toThrow(message));

  it('the same seed gives the same bytes, another seed other windows', async () => {
    const [first, again, other] = await Promise.all([
      narrow(),
      narrow(),
      runStage(pruneChannels, { inputs: modelAndData(), params: { sample_tokens: 16 }, seed: 7 }),
    ]);
    const bytes = (outcome: StageOutcome) => readFileSync(only(outcome, 'model')).toString('base64');
    expect(bytes(again)).toBe(bytes(first));
    expect(bytes(other)).not.toBe(bytes(first));
  });

  it('the narrower model runs everywhere: capture, perplexity, lora, sft, ratios, export', async () => {
    const model = only(await narrow({ importance: 'param_mix', global: true }), 'model');
    const data = files.data;
    const captured = await runStage(captureActivations, {
      params: { fraction: 1, max_length: 64 },
      inputs: { model: { files: { '': model }, facts: { layers: 6 } }, data },
    });
    expect(Object.keys(captured.files)).toHaveLength(6);
    const start = await stage(lora, { model }, { layers: '3-5', rank: 4 });
    const tuned = await stage(
      sft,
      { model, data, recovery: only(start, 'recovery') },
      { max_length: 64, batch_size: 8, epochs: 4, lr: 1e-2 },
    );
    expect(await perplexity(model, only(tuned, 'recovery'))).toBeLessThan(await perplexity(model));
    const kept = await stage(ratios, { model: files.model, pruned: model });
    expect(json<{ tau: number }>(only(kept, 'metrics')).tau).toBeCloseTo(0.75, 10); // 3 of 6 layers lose half in sum

    const exported = await stage(exportStage, { model }, { dtype: 'F32' });
    expect(exported.facts['']).toEqual({ padded_layers: [3, 4, 5] });
    const folder = temporaryFolder();
    for (const [output, name] of Object.entries({
      config: 'config.json',
      model: 'model.safetensors',
      tokenizer: 'tokenizer.json',
    }))
      copyFileSync(only(exported, output), join(folder, name));
    await importHuggingFace(folder, join(folder, 'again.arrow'));
    expect(await perplexity(join(folder, 'again.arrow'))).toBeCloseTo(await perplexity(model), 3);
  });

  it('says what it needs', async () => {
    await expect(narrow({}, { model: files.model })).rejects.toThrow(
      "stage 'prune-channels' with importance: param_first needs input 'data' for its gradients, or take importance: l1 or l2",
    );
    await expect(narrow({ samples: 1000 })).rejects.toThrow(
      /^24 records hold \d+ windows of 16 tokens, expected 1000: /,
    );
    await expect(narrow({ ratio: 0.99 })).rejects.toThrow('ratio 0.99 leaves none of the 24 channels of layer 3');
  });
});

describe('weight-difference', () => {
  it('has a mean and a number by layer for every matrix', async () => {
    type Differences = Record<string, { mean: number; by_layer: Record<string, number> }>;
    const found = json<Differences>(only(await stage(weightDifference, { model: files.model }), 'metrics'));
    expect(Object.keys(found)).toEqual(['gate', 'up', 'down', 'q', 'k', 'v', 'o']);
    // independent normal matrices of like size: sqrt(2), give or take their few elements
    expect(found.gate?.mean).toBeCloseTo(Math.SQRT2, 0);
    expect(Object.keys(found.gate?.by_layer ?? {})).toEqual(['1', '2', '3', '4', '5']);
    // what a cell names: difference.gate.by_layer.3
    expect(readMetric(found, 'gate.by_layer.3')?.value).toBe(found.gate?.by_layer[3]);
  });

  it('refuses MLPs of different widths by name', async () => {
    const model = only(await stage(pruneChannels, { model: files.model }, { importance: 'l1' }), 'model');
    await expect(stage(weightDifference, { model })).rejects.toThrow(
      "stage 'weight-difference' expects MLPs of one width, got 24 in layer 1 and 12 in layer 3: give it the model from before 'prune-channels'",
    );
  });
});
