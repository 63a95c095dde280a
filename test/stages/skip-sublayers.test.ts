// Which sublayers are skipped: by place, by list, by scores; what cannot be, and what it goes together with.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { readReplacements } from '../../model/checkpoint/recovery-file.ts';
import { formatReplacements } from '../../model/sharing/replacement.ts';
import { ratios } from '../../stages/ratios/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { type SkipSublayersParams, skipChoice, skipSublayers } from '../../stages/skip-sublayers/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { runStage, temporaryFolder } from './harness.ts';

const config = tinyConfig({ num_hidden_layers: 6 });
const files = { model: '', scores: '' };
const table = (values: readonly number[]) => Object.fromEntries(values.map((value, i) => [i + 1, value]));
const scores = {
  angular: table([]),
  block_influence: table([0.9, 0.2, 0.5, 0.05, 0.1, 0.05]),
  attention_similarity: table([0.1, 0.95, 0.7, 0.99, 0.95, 0.9]),
  mlp_similarity: table([0.3, 0.4, 0.97, 0.1, 0.2, 0.5]),
};

beforeAll(async () => {
  await useBackend({ backend: 'cpu' });
  const folder = temporaryFolder();
  files.model = join(folder, 'model.arrow');
  files.scores = join(folder, 'scores.json');
  const weights = tinyWeights(config);
  await writeModel(files.model, config, weights, { tokenizer_json: null, tokenizer_config_json: null }, 'F32');
  weights.dispose();
  const angular = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [n, table(Array(7 - n).fill(0.5))]));
  writeFileSync(files.scores, JSON.stringify({ ...scores, angular }));
});

const run = (params: Record<string, unknown>, inputs: Record<string, string> = { scores: files.scores }) =>
  runStage(skipSublayers, { params, inputs: { model: files.model, ...inputs } });
const skipped = async (params: Record<string, unknown>) => (await run(params)).facts['']?.skipped;

describe('skip-sublayers', () => {
  it('takes the last layers, with or without the very last', async () => {
    expect(await skipped({ percent: 33 })).toEqual([5, 6]);
    expect(await skipped({ percent: 33, keep_last: true })).toEqual([4, 5]);
    expect(await skipped({ percent: 0 })).toEqual([]);
  });

  it('takes what it is told, what changes the stream least, and all above a threshold', async () => {
    expect(await skipped({ layers: '2,4-5', percent: 50 })).toEqual([2, 4, 5]);
    expect(await skipped({ choose: 'similarity', percent: 33 })).toEqual([2, 4]); // 2 before 5, which is as similar
    expect(await skipped({ choose: 'similarity', percent: 17, sublayer: 'mlp' })).toEqual([3]);
    expect(await skipped({ choose: 'similarity', percent: 33, sublayer: 'block', keep_last: true })).toEqual([4, 5]);
    expect(await skipped({ choose: 'threshold', tau: 0.9 })).toEqual([2, 4, 5]);
    expect(await skipped({ choose: 'threshold', tau: 0.85, sublayer: 'block' })).toEqual([4, 5, 6]);
  });

  it('says it where nothing is above the threshold', async () => {
    const { facts, warnings } = await run({ choose: 'threshold', tau: 0.995 });
    expect(facts['']?.skipped).toEqual([]);
    expect(warnings).toEqual([
      "no layer's attention similarity exceeds tau 0.995, so nothing is skipped: the highest is 0.990, of layer 4",
    ]);
  });

  it.each<[object, string]>([
    [{ percent: 100 }, "'percent' must leave a layer of the 6 layers of the model, got 100, which is 6"],
    [{ percent: 92, keep_last: true }, "'percent' must leave a layer with keep_last of the 6 layers of the model"],
    [{ layers: '1-6' }, "layers: '1-6' names all 6 layers of the model, expected one to stay"],
    [{ layers: '6', keep_last: true }, "layers: '6' names the last layer (6), which keep_last: true keeps"],
    [{ layers: '7' }, "layers: '7' must name layers from 1 to 6, got 7"],
    [
      { choose: 'threshold', tau: -1 },
      "every layer's attention similarity exceeds tau -1, expected a tau that leaves one",
    ],
  ])('%j is refused', (params, message) => expect(run({ ...params })).rejects.toThrow(message));

  it('needs scores where it chooses by them', async () => {
    await expect(run({ choose: 'similarity' }, {})).rejects.toThrow(
      "choose: similarity needs input 'scores': join it to a stage 'layer-similarity', or name the layers with 'layers'",
    );
    const other = join(temporaryFolder(), 'other.json');
    writeFileSync(other, JSON.stringify({ ...scores, attention_similarity: table([1, 2]) }));
    await expect(run({ choose: 'similarity' }, { scores: other })).rejects.toThrow(
      "stage 'skip-sublayers': input 'scores' must hold the metrics of 'layer-similarity' for a model of 6 layers",
    );
  });

  it('is known of before it runs', async () => {
    const params = { sublayer: 'block', choose: 'last', percent: 50, tau: 0.9, keep_last: false } as const;
    expect(skipChoice(params satisfies SkipSublayersParams, 4)).toEqual({ layers: [3, 4] });
    const expected = await skipSublayers.expect?.(params, { model: { layers: 4 } });
    expect(expected).toEqual({ recovery_parameters: 0, targets: 2, first_replaced: 3 });
  });

  it('goes together with shared MLPs, and not with those that it skips', async () => {
    const shared = await runStage(share, { params: { map: '2:3' }, inputs: { model: files.model } });
    const recovery = shared.files['']?.recovery as string;
    const both = await run({ layers: '3-4' }, { recovery });
    const path = both.files['']?.recovery as string;
    const checkpoint = await openStored(files.model);
    await checkpoint.close();
    expect(formatReplacements(await readReplacements(path, config))).toBe('2:3; pruned attention:3,4');
    expect(both.facts['']).toMatchObject({ targets: 1, recovery_parameters: 0, skipped: [3, 4] });
    const counts = await runStage(ratios, { inputs: { model: files.model, recovery: path } });
    const { tau, targets } = JSON.parse(readFileSync(counts.files['']?.metrics as string, 'utf8'));
    expect([tau, targets]).toEqual([5 / 6, 1]);
    await expect(run({ layers: '3', sublayer: 'mlp' }, { recovery })).rejects.toThrow(
      "stage 'skip-sublayers': target layer 3 is replaced already",
    );
  });
});
