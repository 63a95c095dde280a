import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openActivations } from '../../formats/tensors/activations.ts';
import { createCheckpoint, openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { knownModel } from '../../model/architecture/known-models.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { tensorShapes } from '../../model/architecture/tensors.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { type PlanSettings, planQuantization } from '../../model/quantize/plan.ts';
import { modelSize } from '../../model/sizes/model-size.ts';
import { captureActivations } from '../../stages/capture-activations/declare.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { pruneLayers } from '../../stages/prune-layers/declare.ts';
import { quantize } from '../../stages/quantize/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { llamaName } from '../model/llama-name.ts';
import { runStage, type StageOutcome, temporaryFolder } from './harness.ts';

// models/tiny (12 layers of 96) through the real stages, on a few generated records.
const files: Record<string, string> = {};
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
const facts = { layers: 12, hidden_size: 96, intermediate_size: 256 };
const model = (path = files.model as string) => ({ files: { '': path }, facts });

interface Made {
  model: string;
  recovery: string;
  size: { unique_bytes: number; expanded_bytes: number; file_bytes: number; bits_per_weight: number } & Record<
    string,
    unknown
  >;
}
async function quantized(params: Record<string, unknown>, recovery?: string): Promise<Made> {
  const calibration = { group_size: 32, samples: 8, sample_tokens: 64 };
  const inputs = { model: model(), data: files.train as string, ...(recovery !== undefined && { recovery }) };
  const outcome = await runStage(quantize, { params: { ...calibration, ...params }, inputs });
  const size = json(only(outcome, 'size')) as unknown as Made['size'];
  return { model: only(outcome, 'model'), recovery: only(outcome, 'recovery'), size };
}
async function perplexity({ model: path, recovery }: { model: string; recovery?: string }): Promise<number> {
  const inputs = { model: model(path), data: files.eval as string, ...(recovery !== undefined && { recovery }) };
  const outcome = await runStage(perplexityEval, { params: { max_length: 256 }, inputs });
  return json(only(outcome, 'metrics')).perplexity as number;
}

/** Relative error of all weights of the linear layers, ||W' - W|| / ||W||. */
async function weightError(path: string): Promise<number> {
  const [before, after] = [await openStored(files.model as string), await openStored(path)];
  let [error, norm] = [0, 0];
  for (const name of before.tensors.keys()) {
    if (!name.includes('_proj')) continue;
    const [w, q] = [await before.readFloat32(name), await after.readFloat32(name)];
    w.forEach((value, i) => {
      error += (value - (q[i] as number)) ** 2;
      norm += value ** 2;
    });
  }
  await before.close();
  await after.close();
  return Math.sqrt(error / norm);
}

/** ||(W' - W) x||^2 over the rows of `x`. */
async function outputError(path: string, name: string, x: Float32Array): Promise<number> {
  const [before, after] = [await openStored(files.model as string), await openStored(path)];
  const [w, q] = [await before.readFloat32(name), await after.readFloat32(name)];
  await before.close();
  await after.close();
  let error = 0;
  for (let row = 0; row < x.length; row += 96) {
    for (let out = 0; out < w.length; out += 96) {
      let sum = 0;
      for (let i = 0; i < 96; i++) sum += ((q[out + i] as number) - (w[out + i] as number)) * (x[row + i] as number);
      error += sum * sum;
    }
  }
  return error;
}

beforeAll(async () => {
  files.model = only(await runStage(load, { params: { path: 'models/tiny' } }), 'model');
  const params = { generate: 'arxiv_math', generate_seed: 2, records: 220, eval_fraction: 0.1 };
  const data = await runStage(dataset, { params });
  files.train = only(data, 'train');
  files.eval = only(data, 'eval');
});

describe('schemes on models/tiny', () => {
  const made: Record<string, Made & { error: number; perplexity: number }> = {};
  const cases: Record<string, Record<string, unknown>> = {
    float: { scheme: 'float' },
    int8: { scheme: 'rtn', bits: 8 },
    '8da4w': { scheme: '8da4w' },
    nf4: { scheme: 'nf4' },
    int4: { scheme: 'rtn', bits: 4 },
    'int4 asymmetric': { scheme: 'rtn', bits: 4, symmetric: false },
    gptq: { scheme: 'gptq', bits: 4 },
    'gptq act-order': { scheme: 'gptq', bits: 4, act_order: true },
    '8da4w-gptq': { scheme: '8da4w-gptq' },
    'int8, embedding int8': { scheme: 'rtn', bits: 8, head: true, embedding_bits: 8 },
  };

  it.each(Object.keys(cases))('%s: is written, read and measured', async (name) => {
    const result = await quantized(cases[name] as Record<string, unknown>);
    const found = { ...result, error: await weightError(result.model), perplexity: await perplexity(result) };
    made[name] = found;
    const { size } = found;
    console.log(
      `${name}: perplexity ${found.perplexity.toFixed(4)}, weight error ${found.error.toFixed(5)}, ${size.unique_bytes} bytes, ${size.bits_per_weight.toFixed(3)} bits`,
    );
    expect(found.perplexity).toBeGreaterThan(1);
    // tokenizer, config and about a kilobyte of names and framing for each array, of which nf4 has four for each matrix
    const framing = size.file_bytes - size.unique_bytes - statSync('models/tiny/tokenizer.json').size;
    expect(framing).toBeGreaterThan(0);
    expect(framing).toBeLessThan(90 * 4 * 1100);
  });

  it('more bits err less, and nf4 errs less than integers of 4 bits on weights that are nearly normal', () => {
    const error = (name: string) => made[name]?.error as number;
    expect(error('float')).toBe(0);
    expect(error('int8')).toBeLessThan(error('int4') / 10); // 17 times finer
    expect(error('8da4w')).toBeCloseTo(error('int4'), 6); // the same grid
    expect(error('nf4')).toBeLessThan(error('int4') * 1.1);
    expect(error('gptq')).toBeGreaterThan(error('int4')); // it gives up weights for outputs
  });

  it('float is the original to the bit; rounding costs less than 2 % of perplexity here', async () => {
    const original = await perplexity({ model: files.model as string });
    expect(made.float?.perplexity).toBe(original);
    for (const { perplexity } of Object.values(made)) expect(Math.abs(perplexity / original - 1)).toBeLessThan(0.02);
    expect(made['8da4w']?.perplexity).not.toBe(made.int4?.perplexity); // activations and head are rounded too
  });

  it('GPTQ errs more on weights and less on outputs than rounding to nearest', async () => {
    const inputs = { model: model(), data: files.eval as string };
    const captured = await runStage(captureActivations, { params: { fraction: 1 }, inputs, units: ['layer 3'] });
    const activations = await openActivations(captured.files['layer 3']?.activations as string);
    const x = await activations.readRows(0, 300, 'input');
    await activations.close();
    const error = async (name: string) => outputError(made[name]?.model as string, llamaName(3, 'gate'), x);
    const nearest = await error('int4');
    console.log(`output error against int4: gptq ${(await error('gptq')) / nearest}`);
    expect(await error('gptq')).toBeLessThan(0.8 * nearest);
    expect(await error('gptq act-order')).toBeLessThan(0.8 * nearest);
    expect(await error('8da4w-gptq')).toBeLessThan(0.8 * nearest);
  });

  it('sizes are those of the arithmetic, and bits per weight the published ones', () => {
    const bits = (name: string) => made[name]?.size.bits_per_weight as number;
    expect(bits('float')).toBe(32);
    expect(bits('int8')).toBe(9); // 8 + 32/32
    expect(bits('8da4w')).toBe(5); // 4 + 32/32
    // QLoRA: 4 + 8/64 + 32/(64*256); the last block of 256 magnitudes is rarely full here
    expect(bits('nf4')).toBeGreaterThan(4 + 8 / 64);
    expect(bits('nf4')).toBeLessThan(4.15);
    expect(bits('int4 asymmetric')).toBeGreaterThan(5 + 4 / 32 - 1e-9);
  });

  it('the same inputs give the same bytes', async () => {
    for (const name of ['nf4', 'gptq']) {
      const again = await quantized(cases[name] as Record<string, unknown>);
      expect(readFileSync(again.model).equals(readFileSync(made[name]?.model as string))).toBe(true);
    }
  });

  it('what lies in the file is what the counting says', async () => {
    const reader = await openCheckpoint(made['8da4w']?.model as string);
    const weights = [...reader.tensors.values()].filter(({ name }) => !name.endsWith('.json'));
    expect(weights.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(made['8da4w']?.size.unique_bytes);
    await reader.close();
  });

  it('an 8da4w model can be measured but not trained, nf4 can', async () => {
    const recovery = only(
      await runStage(lora, { params: { layers: '3', rank: 2 }, inputs: { model: model() } }),
      'recovery',
    );
    const train = (path: string) =>
      runStage(sft, {
        params: { max_steps: 1, batch_size: 2, micro_batch: 2, max_length: 64 },
        inputs: { model: model(path), recovery, data: files.train as string },
      });
    await expect(train(made['8da4w']?.model as string)).rejects.toThrow('it can be measured but not trained');
    await expect(train(made.nf4?.model as string)).resolves.toBeDefined();
  });

  it('a quantised model is not quantised again', async () => {
    const inputs = { model: model(made.nf4?.model as string) };
    await expect(runStage(quantize, { params: { scheme: 'rtn' }, inputs })).rejects.toThrow(
      "quantised already ('nf4')",
    );
  });
});

it('a tied head is as the embedding is', async () => {
  const tied = only(await runStage(load, { params: { path: 'models/tiny-gqa' } }), 'model');
  const run = async (more: object) => {
    const params = { scheme: '8da4w', group_size: 32, ...more };
    const outcome = await runStage(quantize, { params, inputs: { model: model(tied) } });
    const checkpoint = await openStored(only(outcome, 'model'));
    await checkpoint.close();
    return { codecs: [...(checkpoint.quantization?.codecs.keys() ?? [])], size: json(only(outcome, 'size')) };
  };
  const plain = await run({});
  expect(plain.codecs).toHaveLength(14 * 7);
  const packed = await run({ embedding_bits: 4, embedding_group_size: 32 });
  expect(packed.codecs).toHaveLength(14 * 7 + 1);
  expect(packed.size.by_kind).toMatchObject({ embedding: 1024 * 96 * (1 / 2 + 4 / 32), head: 0 });
});

describe('shared models', () => {
  it('store each shared MLP once, and mean what they meant', async () => {
    const shared = only(
      await runStage(share, { params: { type: 'T_next', rank: 4, init: 'uniform' }, inputs: { model: model() } }),
      'recovery',
    );
    const float = await quantized({ scheme: 'float' }, shared);
    expect(await perplexity(float)).toBe(await perplexity({ model: files.model as string, recovery: shared }));
    const whole = await quantized({ scheme: 'rtn', bits: 8 });
    const packed = await quantized({ scheme: 'rtn', bits: 8, recovery_bits: 8 }, shared);
    const targets = 5; // T_next of 12 layers: 2:3; 4:5; 6:7; 8:9; 10:11
    const mlp = (size: Made['size']) => (size.by_kind as { mlp: number }).mlp;
    expect(mlp(packed.size)).toBe((mlp(whole.size) * (12 - targets)) / 12);
    const recovered = (packed.size.by_kind as { recovery: number }).recovery;
    expect(packed.size.expanded_bytes - recovered).toBe(whole.size.unique_bytes);
    expect(packed.size.file_bytes).toBeLessThan(whole.size.file_bytes);
    expect(Math.log(await perplexity(packed)) - Math.log(await perplexity(float))).toBeLessThan(0.1);
  });

  it('GPTQ goes through shared layers, and pruned MLPs take no bytes', async () => {
    const pruned = only(
      await runStage(pruneLayers, { params: { layers: '7-8' }, inputs: { model: model() } }),
      'recovery',
    );
    const result = await quantized({ scheme: 'gptq', bits: 8 }, pruned);
    const mlp = (result.size.by_kind as { mlp: number }).mlp;
    expect(mlp).toBe(10 * 3 * 96 * 256 * (1 + 4 / 32));
    const before = await perplexity({ model: files.model as string, recovery: pruned });
    expect(Math.abs(Math.log(await perplexity(result)) - Math.log(before))).toBeLessThan(0.05);
    const checkpoint = await openStored(result.model);
    expect((await checkpoint.readFloat32(llamaName(7, 'down'))).every((value) => value === 0)).toBe(true);
    await checkpoint.close();
  });
});

describe('bytes of Llama-2-7b in 8da4w with groups of 128 (methods E.2, against Table 7)', () => {
  const config = knownModel('meta-llama/Llama-2-7b-hf') as ModelConfig;
  const settings: PlanSettings = {
    scheme: '8da4w',
    bits: 4,
    symmetric: true,
    group_size: 128,
    block_size: 64,
    double_quant: true,
    embedding_bits: 32,
    embedding_group_size: 0,
    dtype: 'F32',
  };
  const gigabytes = (layers: number, targets: number[]) => {
    const smaller = { ...config, num_hidden_layers: layers };
    const replacements = targets.map((target) => ({ target, reference: target - 1, candidate: 'g0', rank: 0 }));
    return modelSize(smaller, planQuantization(smaller, replacements, settings), 0).unique_bytes / 1e9;
  };

  it('4.035 GB whole (printed: 4.04)', () => expect(gigabytes(32, [])).toBeCloseTo(4.035, 3));
  it('3.029 GB without the 14 MLPs of T_next', () =>
    expect(gigabytes(32, [4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30])).toBeCloseTo(3.029, 3));
  it('2.315 GB with 16 whole layers (printed for T_next: 2.31)', () => expect(gigabytes(16, [])).toBeCloseTo(2.315, 3));
});

describe('files that do not fit', () => {
  async function damaged(change: (metadata: Record<string, string>, name: string) => number[] | undefined) {
    files.packed ??= (await quantized({ scheme: 'rtn', bits: 4 })).model;
    const path = files.packed;
    const reader = await openCheckpoint(path);
    const out = join(temporaryFolder(), 'model.arrow');
    const metadata = { ...reader.metadata };
    change(metadata, '');
    const writer = await createCheckpoint(out, metadata);
    for (const [name, { dtype, shape }] of reader.tensors) {
      const other = change({}, name);
      if (other?.length === 0) continue;
      const size = other?.reduce((a, b) => a * b, dtype === 'F32' ? 4 : 1);
      const bytes = size === undefined ? await reader.readBytes(name) : new Uint8Array(size);
      await writer.write(name, dtype, other ?? shape, bytes);
    }
    await writer.close();
    await reader.close();
    return openStored(out);
  }
  const scales = `${llamaName(1, 'gate')}.scales`;

  it('a part that is missing or has another shape is named', async () => {
    await expect(damaged((_, name) => (name === scales ? [] : undefined))).rejects.toThrow(
      `part 'scales' of tensor '${llamaName(1, 'gate')}': expected F32 [256, 3], got nothing`,
    );
    await expect(damaged((_, name) => (name === scales ? [256, 2] : undefined))).rejects.toThrow('got F32 [256, 2]');
  });

  it.each([
    ['{"scheme": "x"}', "must have 'activations' of int8 or null"],
    ['{"scheme": "x", "activations": null}', "must list 'codecs', 'tensors' and 'absent'"],
    [
      '{"scheme": "x", "activations": null, "codecs": [{"type": "integer", "bits": 3}], "tensors": {}, "absent": []}',
      'a codec that this release does not know',
    ],
    [
      '{"scheme": "x", "activations": null, "codecs": [], "tensors": {"a": 0}, "absent": []}',
      "gives tensor 'a' no codec",
    ],
    ['{', "'quantization' of"],
  ])('metadata %s is refused', async (text, message) => {
    await expect(
      damaged((metadata) => {
        metadata.quantization = text;
        return undefined;
      }),
    ).rejects.toThrow(message);
  });

  it('a tensor that is not stored may not be larger than the file allows', async () => {
    const huge = (metadata: Record<string, string>) => {
      if (metadata.config === undefined) return undefined;
      const config = JSON.parse(metadata.config) as Record<string, unknown>;
      metadata.config = JSON.stringify({ ...config, intermediate_size: 2 ** 24 });
      const absent = [...tensorShapes({ ...(config as unknown as ModelConfig), intermediate_size: 2 ** 24 }).keys()];
      const mlps = absent.filter((name) => name.includes('mlp'));
      metadata.quantization = JSON.stringify({ scheme: 'x', activations: null, codecs: [], tensors: {}, absent: mlps });
      return undefined;
    };
    await expect(damaged(huge)).rejects.toThrow('is not stored and too large for this file');
  });

  it('8da4w wants groups that fit; GPTQ wants data', async () => {
    await expect(quantized({ scheme: '8da4w', group_size: 128 })).rejects.toThrow(
      "expects a 'group_size' that divides the 96 columns",
    );
    const alone = runStage(quantize, { params: { scheme: 'gptq' }, inputs: { model: model() } });
    await expect(alone).rejects.toThrow("needs input 'data' for the inputs of its matrices");
  });
});
