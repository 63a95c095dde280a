// What rearranges whole blocks, as stages: their files, their facts, what a stopped search goes on from, and what is refused.
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StageDeclaration } from '../../contract/stage.ts';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { exportStage } from '../../stages/export/declare.ts';
import { fitLayerStage } from '../../stages/fit-layer/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { mergeLayers } from '../../stages/merge-layers/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { quantize } from '../../stages/quantize/declare.ts';
import { recursive } from '../../stages/recursive/declare.ts';
import { relax } from '../../stages/relax/declare.ts';
import { searchBlocks } from '../../stages/search-blocks/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { shareBasis } from '../../stages/share-basis/declare.ts';
import { shareBlocks } from '../../stages/share-blocks/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixtures } from '../model/fixtures.ts';
import { llamaName } from '../model/llama-name.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { type GivenInput, runStage, type StageOutcome, type StageSetup, temporaryFolder } from './harness.ts';

// A random Llama of 6 layers of 16 with a real tokenizer, and 24 short records; none of it has to make sense.
const files = { model: '', data: '' };
const config = tinyConfig({ hidden_size: 16, intermediate_size: 24, num_hidden_layers: 6, vocab_size: 320 });
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const json = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;
const stage = (
  definition: StageDeclaration,
  inputs: Record<string, string | GivenInput>,
  params: object = {},
  setup: Partial<StageSetup> = {},
) => runStage(definition, { ...setup, params: { ...params }, inputs });
const joined = (outcome: StageOutcome, output: string): GivenInput => ({
  files: Object.fromEntries(Object.entries(outcome.files).map(([unit, made]) => [unit, made[output] as string])),
  facts: outcome.facts[''] ?? {},
});
const original = (): GivenInput => ({ files: { '': files.model }, facts: { layers: 6 } });
const perplexity = async (model: string, recovery?: GivenInput): Promise<number> => {
  const inputs = { model, data: files.data, ...(recovery && { recovery }) };
  const metrics = only(await stage(perplexityEval, inputs, { max_length: 64 }), 'metrics');
  return json<{ perplexity: number }>(metrics).perplexity;
};
const windows = { samples: 4, sample_tokens: 8 };

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
});

describe('recursive', () => {
  it('stores each block once, and says which layers run it', async () => {
    const made = await stage(
      recursive,
      { model: files.model },
      {
        mode: 'middle_cycle',
        init: 'average',
      },
    );
    expect(made.facts['']).toMatchObject({ layers: 6, stored_layers: 4, sources: [1, 2, 3, 2, 3, 6] });
    const checkpoint = await openStored(only(made, 'model'));
    expect(checkpoint.storedAs(llamaName(4, 'up'))).toBe(llamaName(2, 'up'));
    const own = await openStored(files.model);
    const [mean, a, b] = [
      await checkpoint.readFloat32(llamaName(2, 'q')),
      await own.readFloat32(llamaName(2, 'q')),
      await own.readFloat32(llamaName(4, 'q')),
    ];
    expect(mean[5]).toBeCloseTo(((a[5] as number) + (b[5] as number)) / 2, 6);
    await checkpoint.close();
    await own.close();
  });

  it('leaves layers out where the recursions do not divide them', async () => {
    const made = await stage(recursive, { model: files.model }, { recursions: 4 });
    expect(made.facts['']).toMatchObject({ layers: 4, stored_layers: 1, origins: [1, 3, 4, 6] });
    expect(
      await recursive.expect?.(
        { mode: 'cycle', recursions: 4, init: 'random', norms: 'own' },
        { model: { layers: 6 } },
      ),
    ).toEqual({
      layers: 4,
      stored_layers: 1,
      sources: [1, 1, 1, 1],
      origins: [1, 3, 4, 6],
    });
  });

  it('refuses a quantised model', async () => {
    const packed = await stage(quantize, { model: files.model }, { group_size: 8 });
    await expect(stage(recursive, { model: only(packed, 'model') })).rejects.toThrow(
      "layers of a model that is not quantised can be merged or run again, got scheme '8da4w': quantise afterwards",
    );
  });
});

describe('relax', () => {
  it('has a unit for each layer that shares its block, and its terms are trained, measured, quantised and exported', async () => {
    const made = await stage(recursive, { model: files.model }, { mode: 'middle_sequence' });
    const model = joined(made, 'model');
    const terms = await stage(relax, { model, original: original() }, { rank: 4 });
    expect(Object.keys(terms.files)).toEqual(['layer 2', 'layer 3', 'layer 4', 'layer 5']);
    const recovery = joined(terms, 'recovery');
    const path = only(made, 'model');
    expect(await perplexity(path, recovery)).not.toBe(await perplexity(path));
    const tuned = await stage(sft, { model: path, recovery, data: files.data }, { batch_size: 8, max_length: 64 });
    expect(tuned.facts['']).toMatchObject({
      targets: 0,
      recovery_parameters: 4 * 4 * (4 * 16 * 2 - 2 * 8 + 3 * (16 + 24)),
    });
    const packed = await stage(quantize, { model: path, recovery: only(tuned, 'recovery') }, { group_size: 8 });
    const size = json<{ unique_bytes: number; expanded_bytes: number }>(only(packed, 'size'));
    expect(size.unique_bytes).toBeLessThan(size.expanded_bytes);
    for (const format of ['huggingface', 'onnx']) {
      const inputs = { model: path, recovery: only(tuned, 'recovery') };
      const { unique_bytes, expanded_bytes } = json<Record<string, number>>(
        only(await stage(exportStage, inputs, { format, dtype: 'F32' }), 'metrics'),
      );
      const terms = 4 * Number(tuned.facts['']?.recovery_parameters);
      // only a graph names one tensor for the layers that run one block
      if (format === 'onnx') expect((unique_bytes as number) - terms).toBeLessThan(expanded_bytes as number);
      else expect(unique_bytes).toBe(terms + (expanded_bytes as number));
    }
  });

  it('has a diagonal beside the terms where that is asked for, which is trained and exported like them', async () => {
    const made = await stage(recursive, { model: files.model }, { mode: 'middle_sequence' });
    const model = joined(made, 'model');
    const terms = await stage(relax, { model, original: original() }, { rank: 4, diagonal: true });
    const path = only(made, 'model');
    const recovery = joined(terms, 'recovery');
    const plain = joined(await stage(relax, { model, original: original() }, { rank: 4 }), 'recovery');
    expect(await perplexity(path, recovery)).not.toBe(await perplexity(path, plain));
    const tuned = await stage(sft, { model: path, recovery, data: files.data }, { batch_size: 8, max_length: 64 });
    const diagonals = 5 * 16 + 2 * 8; // k and v are 16 x 8
    expect(tuned.facts['']).toMatchObject({
      recovery_parameters: 4 * (4 * (4 * 16 * 2 - 2 * 8 + 3 * (16 + 24)) + diagonals),
    });
    const after = await perplexity(path, joined(tuned, 'recovery'));
    const inputs = { model: path, recovery: only(tuned, 'recovery') };
    const merged = await stage(exportStage, inputs, { format: 'huggingface', dtype: 'F32' });
    const folder = temporaryFolder();
    const names = { config: 'config.json', model: 'model.safetensors', tokenizer: 'tokenizer.json' };
    for (const [output, name] of Object.entries(names)) copyFileSync(only(merged, output), join(folder, name));
    const back = await stage(load, {}, { path: folder });
    expect(await perplexity(only(back, 'model'))).toBeCloseTo(after, 3);
    await expect(stage(exportStage, inputs, { format: 'peft' })).rejects.toThrow(
      "format: peft can hold candidates 'g0', 'g0_tied' and 'lora' only, got 'delta' at layer 2",
    );
  });

  it('brings blocks of share-blocks nearer to what they were', async () => {
    const twice = joined(await stage(shareBlocks, { model: files.model }), 'model');
    const terms = await stage(relax, { model: twice, original: original() }, { rank: 2, matrices: ['gate', 'down'] });
    expect(Object.keys(terms.files)).toHaveLength(6);
  });

  it('refuses ranks that a matrix does not have, models of other layers, and layers that share nothing', async () => {
    const made = joined(await stage(recursive, { model: files.model }), 'model');
    await expect(stage(relax, { model: made, original: original() }, { rank: 9 })).rejects.toThrow(
      "rank 9 is more than matrix 'k' of 16 x 8 has, expected at most 8",
    );
    const other = { ...original(), facts: { layers: 5 } };
    await expect(stage(relax, { model: made, original: other }, { rank: 2 })).rejects.toThrow(
      "input 'model' has 6 layers and input 'original' 5, expected the model that it was made of",
    );
    const alone = { ...original(), facts: { layers: 6, sources: [1, 2, 3, 4, 5, 6] } };
    await expect(stage(relax, { model: alone, original: original() }, { rank: 2 })).rejects.toThrow(
      "layers: 'shared' are none: no layer of the model runs another's block, expected 'all' or a list",
    );
  });
});

describe('share-basis', () => {
  const inputs = (): Record<string, GivenInput> => ({
    model: { files: { '': files.model }, facts: { layers: 6, hidden_size: 16, intermediate_size: 24 } },
    data: { files: { '': files.data }, facts: {} },
  });
  const params = { group: 3, ratio: 0.3, batch_size: 4, samples: 16, sample_tokens: 12 };

  it('has a unit for each group; its factors are measured, trained, and stored in the place of the matrices', async () => {
    const made = await stage(shareBasis, inputs(), params);
    expect(Object.keys(made.files)).toEqual(['layers 1-3', 'layers 4-6']);
    const recovery = joined(made, 'recovery');
    const before = await perplexity(files.model, recovery);
    expect(before).not.toBe(await perplexity(files.model));
    const tuned = await stage(
      sft,
      { model: files.model, recovery, data: files.data },
      { batch_size: 8, max_length: 64 },
    );
    expect(await perplexity(files.model, joined(tuned, 'recovery'))).not.toBe(before);
    const small = await stage(quantize, { model: files.model, recovery }, { scheme: 'float' });
    expect(await perplexity(only(small, 'model'), joined(small, 'recovery'))).toBe(before);
    const { by_kind } = json<{ by_kind: Record<string, number> }>(only(small, 'size'));
    const parameters = Number(made.facts['layers 1-3']?.recovery_parameters) * 2;
    expect(by_kind).toMatchObject({ attention: 0, mlp: 0, recovery: 4 * parameters });
    expect(parameters / (6 * (2 * 16 * 16 + 2 * 16 * 8 + 3 * 16 * 24))).toBeCloseTo(0.7, 1);
    const { unique_bytes } = json<Record<string, number>>(
      only(await stage(exportStage, { model: files.model, recovery }, { format: 'onnx', dtype: 'F32' }), 'metrics'),
    );
    expect(unique_bytes).toBeLessThan(json<Record<string, number>>(only(small, 'size')).expanded_bytes as number);
    await expect(
      stage(exportStage, { model: files.model, recovery }, { format: 'huggingface', layout: 'compact' }),
    ).rejects.toThrow("layout: compact has no place for candidate 'basis' at layer 1, whose matrices are not stored");
  });

  it('refuses groups that do not divide the layers', async () => {
    await expect(stage(shareBasis, inputs(), { ...params, group: 4 })).rejects.toThrow(
      "'group' must divide the 6 layers of the model, got 4",
    );
  });
});

describe('fit-layer', () => {
  const inputs = () => ({ model: files.model, data: files.data });

  it('finds its place, and writes a model of fewer layers of which one is trained', async () => {
    const params = { remove: 2, samples: 4, sample_tokens: 8, batch_size: 8, max_length: 64, lr: 1e-3 };
    const made = await stage(fitLayerStage, inputs(), params);
    const start = Number(made.facts['']?.start);
    expect(made.facts['']).toMatchObject({ layers: 4, stored_layers: 4, steps: 3 });
    expect(Number(made.facts['']?.last_loss)).toBeLessThan(Number(made.facts['']?.first_loss));
    const [after, before] = [await openStored(only(made, 'model')), await openStored(files.model)];
    const same = async (layer: number, was: number) => {
      const [a, b] = [await after.readFloat32(llamaName(layer, 'up')), await before.readFloat32(llamaName(was, 'up'))];
      return a.every((value, i) => value === b[i]);
    };
    expect(await same(start, start)).toBe(false);
    for (const layer of [1, 2, 3, 4].filter((each) => each !== start)) {
      expect(await same(layer, layer < start ? layer : layer + 2)).toBe(true);
    }
    await after.close();
    await before.close();
  });

  it('refuses places that the model does not have, and rates that rise', async () => {
    await expect(stage(fitLayerStage, inputs(), { remove: 6 })).rejects.toThrow(
      "'remove' must be at most 5 for a model of 6 layers, got 6",
    );
    await expect(stage(fitLayerStage, inputs(), { remove: 2, start: 5 })).rejects.toThrow(
      "'start' must be at most 4 where 2 of 6 layers are removed above it, got 5",
    );
    await expect(stage(fitLayerStage, inputs(), { remove: 2, lr_end: 1 })).rejects.toThrow(
      "'lr_end' must be at most 'lr', got 1 and 0.0002",
    );
  });
});

describe('a search', () => {
  const inputs = () => ({ model: files.model, data: files.data });
  /** Stops the stage at its `at`-th report, and runs it again in the same folder. */
  async function stopped(definition: StageDeclaration, params: object, at: number): Promise<StageOutcome> {
    const folder = temporaryFolder();
    const control = new AbortController();
    let reports = 0;
    const onProgress = () => {
      if (++reports === at) control.abort(new Error('stopped'));
    };
    const first = stage(definition, inputs(), params, { folder, onProgress, signal: control.signal });
    await expect(first).rejects.toThrow('stopped');
    expect(readdirSync(join(folder, 'scratch'))).toEqual(['search.json']);
    return stage(definition, inputs(), params, { folder });
  }

  it.each(['paper', 'released', 'drop'])('merge-layers (%s) gives the same bytes after a stop', async (variant) => {
    const params = { variant, merge: 2, threshold: 0.2, ...windows };
    const whole = await stage(mergeLayers, inputs(), params);
    const again = await stopped(mergeLayers, params, 2);
    expect(readFileSync(only(again, 'model'))).toEqual(readFileSync(only(whole, 'model')));
    const { layers, removed, tries } = json<{ layers: number; removed: number; tries: unknown[] }>(
      only(whole, 'metrics'),
    );
    expect(layers + removed).toBe(6);
    expect(tries.length).toBeGreaterThan(1);
    expect(await perplexity(only(whole, 'model'))).toBeGreaterThan(1);
  });

  it('merge-layers warns where nothing is similar enough', async () => {
    const { warnings } = await stage(mergeLayers, inputs(), { merge: 3, threshold: 1, ...windows });
    expect(warnings).toEqual(['no merge had a similarity above 1: the model is as it was']);
  });

  it('search-blocks gives the same bytes after a stop', async () => {
    const params = { count: 2, batch_size: 2, ...windows };
    const whole = await stage(searchBlocks, inputs(), params);
    const again = await stopped(searchBlocks, params, 3);
    expect(readFileSync(only(again, 'model'))).toEqual(readFileSync(only(whole, 'model')));
    expect(readFileSync(only(again, 'metrics'))).toEqual(readFileSync(only(whole, 'metrics')));
    expect(whole.facts['']).toMatchObject({ layers: 4, stored_layers: 4 });
    expect(
      await searchBlocks.expect?.({ ...params, keep_first: 1, keep_last: 1, threads: 1 }, { model: { layers: 6 } }),
    ).toEqual({
      layers: 4,
      stored_layers: 4,
    });
  });
});
