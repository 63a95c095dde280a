import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery } from '../../model/checkpoint/recovery-file.ts';
import { blockMap, keptSources, sharedSources } from '../../model/sharing/block-map.ts';
import { dropBlocks } from '../../stages/drop-blocks/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { plannedSize } from '../../stages/planned-size/declare.ts';
import { quantize } from '../../stages/quantize/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { shareBlocks } from '../../stages/share-blocks/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { llamaName } from '../model/llama-name.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { runStage, type StageOutcome, temporaryFolder } from './harness.ts';

const config = tinyConfig({ hidden_size: 16, intermediate_size: 24, num_hidden_layers: 6, vocab_size: 64 });
let model = '';
const only = (outcome: StageOutcome, output = 'model'): string => outcome.files['']?.[output] as string;

/** What a layer's first numbers are: of its norms, attention and MLP. */
async function layersOf(path: string): Promise<number[][]> {
  const checkpoint = await openStored(path);
  const names = (layer: number) => [
    llamaName(layer, 'attention_norm'),
    llamaName(layer, 'q'),
    llamaName(layer, 'o'),
    llamaName(layer, 'mlp_norm'),
    llamaName(layer, 'gate'),
    llamaName(layer, 'down'),
  ];
  const layers: number[][] = [];
  for (let layer = 1; layer <= checkpoint.config.num_hidden_layers; layer++) {
    const values = await Promise.all(names(layer).map((name) => checkpoint.readFloat32(name)));
    layers.push(values.map((value) => (value.at(0) as number) + (value.at(-1) as number)));
  }
  await checkpoint.close();
  return layers;
}

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  model = join(temporaryFolder(), 'model.arrow');
  const weights = tinyWeights(config);
  const files = { tokenizer_json: null, tokenizer_config_json: null };
  await writeModel(model, config, weights, files, 'F32');
  weights.dispose();
});

describe('the map of blocks', () => {
  it('immediate repeats every stored block, as MobileLLM does: 16 of 32 (Table 7 by its bytes), 3 of 7 with one left', () => {
    expect(sharedSources(blockMap({ type: 'immediate' }, 7), 7)).toEqual([1, 1, 3, 3, 5, 5, 7]);
    expect(new Set(sharedSources(blockMap({ type: 'immediate' }, 32), 32)).size).toBe(16);
  });

  it('is otherwise that of share, and an explicit one may name any layer', () => {
    expect(new Set(sharedSources(blockMap({ type: 'T_next' }, 32), 32)).size).toBe(18); // Table 8
    expect(sharedSources(blockMap({ type: 'immediate', map: '6:1; 2:3,4' }, 6), 6)).toEqual([6, 2, 2, 2, 5, 6]);
    expect(keptSources(blockMap({ type: 'immediate' }, 7), 7)).toEqual([1, 3, 5, 7]);
  });

  it('needs two layers', () => {
    expect(() => blockMap({ type: 'immediate' }, 1)).toThrow('immediate sharing needs two layers, got a model of 1');
  });
});

describe('share-blocks', () => {
  it('gives each target the whole block of its reference, and stores it once', async () => {
    const outcome = await runStage(shareBlocks, { inputs: { model } });
    const [before, after] = [await layersOf(model), await layersOf(only(outcome))];
    expect(after).toEqual([0, 0, 2, 2, 4, 4].map((layer) => before[layer]));
    expect(outcome.facts['']).toMatchObject({ layers: 6, stored_layers: 3, sources: [1, 1, 3, 3, 5, 5] });
    const checkpoint = await openStored(only(outcome));
    expect(checkpoint.storedAs(llamaName(2, 'v'))).toBe(llamaName(1, 'v'));
    expect(checkpoint.storedAs(llamaName(6, 'up'))).toBe(llamaName(5, 'up'));
    await checkpoint.close();
  });

  it('says beforehand what it will make', async () => {
    const facts = await shareBlocks.expect?.({ type: 'T_next' }, { model: { layers: 32, hidden_size: 4096 } });
    expect(facts).toEqual({ layers: 32, hidden_size: 4096, stored_layers: 18 });
  });

  it('refuses a quantised model', async () => {
    const packed = await runStage(quantize, { params: { group_size: 8 }, inputs: { model } });
    await expect(runStage(shareBlocks, { inputs: { model: only(packed) } })).rejects.toThrow(
      "got scheme '8da4w': quantise afterwards",
    );
  });
});

describe('drop-blocks', () => {
  it('leaves out every second layer by default, and the listed ones otherwise', async () => {
    const before = await layersOf(model);
    const half = await runStage(dropBlocks, { inputs: { model } });
    expect(await layersOf(only(half))).toEqual([0, 2, 4].map((layer) => before[layer]));
    const listed = await runStage(dropBlocks, { params: { layers: '2-4,6' }, inputs: { model } });
    expect(await layersOf(only(listed))).toEqual([0, 4].map((layer) => before[layer]));
    expect(listed.facts['']).toMatchObject({ layers: 2, sources: [1, 5] });
  });

  it('keeps at least one', async () => {
    await expect(runStage(dropBlocks, { params: { layers: '1-6' }, inputs: { model } })).rejects.toThrow(
      "layers: '1-6' names all 6 layers of the model, expected one to stay",
    );
  });
});

describe('what is only timed', () => {
  it('load makes up the weights of a config, the same from the same seed', async () => {
    const params = { path: 'models/tiny', random_seed: 3 };
    const [first, second, other] = [
      await runStage(load, { params }),
      await runStage(load, { params }),
      await runStage(load, { params: { ...params, random_seed: 4 } }),
    ];
    const layers = await layersOf(only(first));
    expect(layers).toHaveLength(12); // models/tiny/config.json
    expect(layers).toEqual(await layersOf(only(second)));
    expect(layers).not.toEqual(await layersOf(only(other)));
    const checkpoint = await openStored(only(first));
    const values = await checkpoint.readFloat32(llamaName(1, 'gate'));
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    expect(deviation).toBeCloseTo(0.02, 3); // the initialisation of Llama
    await checkpoint.close();
  });

  it('share fills both factors at random, so that no two recovery parameters are equal bytes', async () => {
    const recovery = await runStage(share, { params: { type: 'T_next', rank: 2, init: 'random' }, inputs: { model } });
    const packed = await openStored(model); // its config sizes the recovery
    const { parameters } = await readRecovery([only(recovery, 'recovery')], packed.config);
    await packed.close();
    for (const [name, variable] of parameters) {
      const values = await variable.data();
      if (!name.includes('alpha'))
        expect(
          [...values].every((value) => value !== 0),
          name,
        ).toBe(true);
    }
    expect(parameters.size).toBe(2 * 3 * 3); // 2 targets, 3 matrices, alpha A B
  });
});

describe('planned-size', () => {
  const gigabytes = async (params: object): Promise<number> => {
    const outcome = await runStage(plannedSize, { params: { ...params } });
    return (JSON.parse(readFileSync(only(outcome, 'metrics'), 'utf8')) as { gb: number }).gb;
  };

  it.each<[string, object, number]>([
    ['Original', {}, 4.035], // the paper's Table 7 prints 4.04
    ['MLPs of T_next shared', { layers: 'share_mlps' }, 3.029],
    ['16 whole blocks shared', { layers: 'share_blocks', type: 'immediate' }, 2.315], // printed for SHARP T_next: 2.31
    ['16 whole blocks dropped', { layers: 'drop_blocks', type: 'immediate' }, 2.315],
    ['the 14 blocks of T_next shared', { layers: 'share_blocks' }, 2.53],
  ])('Llama-2-7b in 8da4w, %s', async (_, params, expected) => {
    expect(await gigabytes(params)).toBeCloseTo(expected, 3);
  });

  it('recovery parameters of rank 400 add 14 x 3 (400 (4096 + 11008) + 1) floats', async () => {
    const added = (await gigabytes({ layers: 'share_mlps', rank: 400 })) - (await gigabytes({ layers: 'share_mlps' }));
    expect(added).toBeCloseTo((4 * 14 * 3 * (400 * (4096 + 11008) + 1)) / 1e9, 9);
  });

  it('names the models that it knows', async () => {
    await expect(gigabytes({ model: 'org/unheard-of' })).rejects.toThrow(
      "model: the shape of 'org/unheard-of' is not known, expected 'meta-llama/Llama-2-7b-hf' or ",
    );
  });
});
